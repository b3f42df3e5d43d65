// SPDX-License-Identifier: BSD-3-Clause
// What may be wrong with any of the calls, as rows: families are made of them.
#ifndef VS_BACKENDS_MUTANTS_REFUSED_H_
#define VS_BACKENDS_MUTANTS_REFUSED_H_

#include "anycall.h"

typedef struct refusal {
  vs_call_index call;
  const char* name;
  uint8_t parameter;
  bool (*is)(const struct refusal* row, const uint64_t* numbers, zx_status_t right);
  void (*repair)(const struct refusal* row, uint64_t* numbers);
  zx_status_t status;
  zx_status_t listed;
  const char* accepting;  // ids of clauses
  const char* answering;
} refusal;

extern const refusal refusals[];
extern const size_t refusal_count;

// The rows that are so, of a call that is answered with `right`: bit i is that of row i.
uint64_t refusals_of(vs_call_index call, const uint64_t* numbers, zx_status_t right);

// The call as it is right, and why it was refused: 0 if it was not, or for another reason.
zx_status_t make_and_ask(vs_call_index call, const uint64_t* numbers, uint64_t* set);

// The call without what the row says is wrong with it: what it then does, it does. ZX_OK if that is
// refused for no reason of these.
zx_status_t make_unchecked(const refusal* row, uint64_t* numbers);

// Id of the clause that is broken by a refusal that leaves something behind. everycall.c
const char* refused_clause(vs_call_index call);

// Bytes that the call may write at a pointer.
size_t room_of(const refusal* row, const uint64_t* numbers);
bool is_writable(uint64_t address, size_t size);
extern uint8_t diverted[];  // where what has no place goes

#endif  // VS_BACKENDS_MUTANTS_REFUSED_H_
