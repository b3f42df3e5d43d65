// SPDX-License-Identifier: BSD-3-Clause
// The books of a script: which slots are open and which threads are busy, op by op, as a conforming
// implementation would answer. sound.c checks by them that a script makes sense; fuzz/sense.c
// mends a script by them. No verdict depends on them. One struct without pointers into itself: an
// assignment is a snapshot.
#ifndef VS_CONFORMANCE_BOOKS_H_
#define VS_CONFORMANCE_BOOKS_H_

#include "tables.h"

enum {
  VS_BOOKS_OBJECTS = 15,  // at a time: those that a world of the oracle has room for
  VS_BOOKS_VCPUS = 4
};

typedef enum vs_book_state {
  VS_BOOK_EMPTY,
  VS_BOOK_OPEN,
  VS_BOOK_LEAVING,  // a call that runs beside others closes it
  VS_BOOK_COMING,   // such a call fills it
  VS_BOOK_CLOSED    // or it is not known what it holds
} vs_book_state;

typedef struct vs_book_slot {
  uint8_t state;   // vs_book_state
  uint8_t object;  // index; VS_BOOKS_OBJECTS: none that is known
  bool memory;     // the executor's own: not to be closed
  zx_rights_t rights;
} vs_book_slot;

typedef struct vs_book_object {
  uint8_t code;      // vs_object_code; VS_OBJECT_FREE: none
  uint32_t handles;  // open, leaving or coming
  uint8_t vcpu;      // of a vCPU: index; VS_BOOKS_VCPUS: none that is known
  uint32_t guest;    // of a guest and its vmar: which guest of the script it is
  bool loaded;       // of a guest
  bool bred;         // of a guest: a vCPU was made of it
} vs_book_object;

typedef struct vs_book_vcpu {
  bool live;
  bool runnable;    // its guest has memory, and it starts as its program expects
  bool endless;     // its program never leaves
  bool waits;       // once it has left, it waits for an interrupt
  bool raised;      // one was raised for certain
  bool kicked;      // a kick is pending for certain
  bool perhaps;     // or may be
  bool stops;       // a flag that stops the guest may be set
  bool unsure;      // the entry may be refused: for an argument, or a handle that is closed before
  uint8_t creator;  // thread; VS_THREADS: it has ended
  uint8_t runs_on;  // 1 + the thread that has entered it; 0: none
  uint8_t object;
} vs_book_vcpu;

// The call that a thread has started, and not yet been joined after.
typedef struct vs_book_call {
  bool busy;
  uint8_t code;
  uint8_t slot;    // that its first argument names
  uint8_t out;     // that it fills
  uint16_t names;  // a bit for each slot that an argument names, or that it fills
  size_t since;    // number of the op
} vs_book_call;

typedef struct vs_books {
  const vs_arch_info* arch;
  vs_book_slot slots[VS_SLOTS];
  vs_book_object objects[VS_BOOKS_OBJECTS + 1];  // the last is never anything
  vs_book_vcpu vcpus[VS_BOOKS_VCPUS];
  vs_book_call within[VS_THREADS];
  uint32_t guests;  // made so far
  uint32_t beside;  // calls that run beside others, but for those that run a guest
  uint8_t closed;   // 1 + the slot whose handle was closed last; 0: one was made since
} vs_books;

void vs_books_open(vs_books* books, const vs_arch_info* arch);

// Takes note of a valid op, which is number `at` of the script.
void vs_books_note(vs_books* books, const vs_op* op, size_t at);

// True if some op was to fill the slot.
bool vs_books_is_filled(const vs_books* books, uint8_t slot);

// The slot whose value no handle can have been given again; VS_SLOTS: there is none.
uint8_t vs_books_closed_last(const vs_books* books);

// The thread within a call that names the slot, or fills it; VS_THREADS: there is none.
uint8_t vs_books_user(const vs_books* books, uint8_t slot);

// What the slot's handle is of.
const vs_book_object* vs_books_object(const vs_books* books, uint8_t slot);

// The vCPU that an open slot names; NULL: it names something else.
const vs_book_vcpu* vs_books_vcpu(const vs_books* books, uint8_t slot);

// True if the slot holds a handle of the parameter's type, with these rights.
bool vs_books_fits(const vs_books* books, uint8_t slot, const vs_param* param, zx_rights_t rights);

// Objects that there is room for.
unsigned vs_books_room(const vs_books* books);

// True if the guest, once it is entered, may run on until it is kicked.
bool vs_books_is_endless(const vs_book_vcpu* vcpu);
// And it was not, and is.
bool vs_books_waits_for_kick(const vs_book_vcpu* vcpu);

#endif  // VS_CONFORMANCE_BOOKS_H_
