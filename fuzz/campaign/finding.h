// SPDX-License-Identifier: BSD-3-Clause
// A finding of a campaign: a script that fails, and comments that say what of it. The file is all
// that is kept, so that nothing can be at odds with it.
#ifndef VS_FUZZ_CAMPAIGN_FINDING_H_
#define VS_FUZZ_CAMPAIGN_FINDING_H_

#include <stdio.h>

#include "expectations/expect.h"
#include "runner/target.h"
#include "text/document.h"
#include "words/failure.h"

enum { VS_FINDING_NAME = 112, VS_FINDING_LINE = 400 };  // bytes

// How it went when the script was run again, alone, some times.
typedef enum vs_finding_verdict {
  VS_FINDING_FAILS,      // each time
  VS_FINDING_FLAKY,      // not each time
  VS_FINDING_NOT_ALONE,  // not once: the script is what was run in the campaign
  VS_FINDING_VERDICTS
} vs_finding_verdict;

extern const char* const vs_finding_verdicts[VS_FINDING_VERDICTS];

typedef struct vs_finding {
  char name[VS_FINDING_NAME];  // of its file, without ".vcpu"; ends in 8 digits of its own
  bool has_clause;
  uint8_t clause;  // vs_clause_code
  vs_finding_verdict verdict;
  unsigned failed;  // times, of
  unsigned runs;
  uint8_t allowed_count;
  char allowed[VS_ALLOWED_MAX][VS_FINDING_LINE];
  char got[VS_FINDING_LINE];
  char answer[VS_FINDING_LINE];  // the same as of an expectation; empty: it has no such words
  char death[VS_FINDING_LINE];   // how the backend ended; empty: it did not
  char profile[VS_FINDING_LINE];
  char first[32];  // when it was seen first: UTC, ISO 8601
  uint64_t seen;   // times, in the whole campaign
  size_t ops;
  bool is_new;                  // found since the program was started
  const vs_expectation* known;  // the entry by which it is; NULL: it is not
} vs_finding;

// What `violation` allows and shows, in words.
void vs_finding_say(vs_finding* finding, const vs_violation* violation, const vs_arch_info* arch);

// True of a call that did not return in time once, and did each time when it was tried again: that
// may be the machine's doing, and is told, but condemns nobody.
bool vs_finding_is_stall(const vs_finding* finding);

// The digits at the end of a name; 0: there are none.
uint32_t vs_finding_digest(const char* name);

// The clause that a name begins with. False: none.
bool vs_finding_clause(const char* name, uint8_t* clause);

// Now, as `first` has it.
void vs_finding_now(char text[32]);

void vs_finding_print(FILE* out, const vs_finding* finding, const vs_op* ops, size_t count,
                      const vs_target* target);

// What the comments of a text say: `finding` keeps what they do not mention.
void vs_finding_read_comments(const char* text, vs_finding* finding);

// Reads DIR/findings/NAME. False: it is none.
bool vs_finding_read(const char* dir, const char* name, vs_finding* finding);

// Makes the file say how often it was seen.
bool vs_finding_update(const char* dir, const vs_finding* finding);

#endif  // VS_FUZZ_CAMPAIGN_FINDING_H_
