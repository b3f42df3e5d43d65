// SPDX-License-Identifier: BSD-3-Clause
// One op against one world: what oracle.c asks of each world in its set. Internal to the model.
#ifndef VS_MODEL_STEP_H_
#define VS_MODEL_STEP_H_

#include "worlds.h"

// What one world makes of one op. `attests` and `why` are filled as the verdict demands.
typedef struct vs_step_context {
  vs_oracle* oracle;
  vs_world* world;
  const vs_op* op;
  const vs_observation* seen;
  vs_facts facts;  // of a call
  vs_vcpu* vcpu;   // that the call is about, or NULL
  vs_clause_set attests;
  vs_violation why;
  bool passes;  // a call was judged: `passage`, unless no listener is there
  vs_passage passage;
} vs_step_context;

// One op against c->world, whatever it is.
vs_step vs_step_world(vs_step_context* c);
// A documented call: facts, decision, answer, effect. May add further explanations to the oracle's
// set.
vs_step vs_step_call(vs_step_context* c);
// The same, with facts and vCPU as the context has them.
vs_step vs_step_judge(vs_step_context* c);

// Keeps what a refused write had asked for, before the step that judges its answer.
void vs_oracle_note_asked(vs_oracle* oracle, const vs_op* op, const vs_observation* answer);

// Tells the listener, if there is one, that a call is started whose answer is not known yet. Of a
// guest that runs, all but the way in which it will leave is known.
void vs_oracle_tell_unclear(const vs_oracle* oracle, const vs_op* op);

// Notes whether an earlier call was started that may not have begun yet. Which combinations later
// calls reach then depends on timing: the listener is told that they are unclear.
void vs_oracle_note_order(vs_oracle* oracle, const vs_op* op);

// True of a call of which the profile says nothing, by the form of its handles.
bool vs_step_is_unspoken(const vs_profile* profile, const vs_op* op);
// What an op is that is no call.
vs_step vs_step_local(vs_step_context* c);

// What the accepted call has done: the world follows, and what it shows is compared.
vs_step vs_step_effect(vs_step_context* c);
// What the refused call may have done all the same.
vs_step vs_step_refusal(vs_step_context* c);

// zx_vcpu_enter: what an accepted one shows, what a refused one uses up, and its two ends where it
// runs beside other calls.
vs_step vs_step_left(vs_step_context* c);
vs_step vs_step_not_entered(vs_step_context* c);
// The same where the guest has rung a bell whose port has no handle any more.
vs_step vs_step_rang_nothing(vs_step_context* c);
vs_step vs_step_enter_begin(vs_step_context* c);
vs_step vs_step_enter_end(vs_step_context* c);
// True of an entry by the handle and the thread that it takes.
bool vs_step_may_enter(const vs_step_context* c);
// The page's sentence that a refusal of a valid call speaks of, by its status; of several the
// first, or the last. What it says of no error is that the call is accepted.
vs_clause_code vs_step_sentence(uint8_t call, zx_status_t status, bool last);
// True if one of the op's handles is open, and was given out with a fixed bit clear, so that a
// refusal of it only tells what its maker did.
bool vs_step_is_misshapen(const vs_step_context* c);
// True if nothing is known of what the guest does, so that any answer will do.
bool vs_step_enters_unknown(const vs_step_context* c);

// zx_vcpu_write_state: choices that are made once are held to, and noted; what an answer that is
// not allowed breaks, and what an accepted one bears out, beside what is so of every call.
void vs_write_hold_to_choices(vs_step_context* c);
void vs_write_note_choices(vs_step_context* c);
bool vs_write_is_choice(const vs_step_context* c);
vs_clause_code vs_write_blame(const vs_step_context* c);
vs_clause_set vs_write_attests(const vs_op* op);

// zx_port_wait that has handed out a packet.
vs_step vs_step_waited(vs_step_context* c);
// What it breaks if it did, and there is none, or did not, and there is one.
vs_clause_code vs_step_blame_wait(const vs_step_context* c);

// What the program that dumps has done to its registers, and where it is from here on. False: it
// did something else.
bool vs_program_ran(vs_step_context* c);
// `keep` has shown its registers, and keeps them.
void vs_program_keep(const vs_arch_info* arch, vs_vcpu* vcpu);
void vs_program_raise(vs_vcpu* vcpu, uint8_t vector);
// Of the guest that waits for an interrupt: whether there is, or may be, something to take.
bool vs_program_may_take(const vs_step_context* c);
// The registers that `send` has values of its own in: the first ones.
enum { VS_SEND_BORROWS = 3 };
// Whether what it takes finds no stack.
bool vs_program_is_unknown(const vs_step_context* c);
// Whether that is so of an entry, and what it breaks if the guest takes nothing.
bool vs_program_waits(const vs_step_context* c);
vs_clause_code vs_program_clause(const vs_step_context* c);
// A kick has stopped a program somewhere within what it does to its registers.
void vs_program_stopped(const vs_step_context* c);

// Compares the registers that the call has shown.
vs_step vs_step_observe(vs_step_context* c, bool guest_view);

// Adds to the set the worlds in which calls that run beside others have had their effect by now.
// False: too many worlds.
bool vs_race_settle(vs_oracle* oracle);
// Orders and snapshots that came to the same are one.
void vs_race_merge(vs_oracle* oracle);
// The JOIN of a call that ran beside others.
vs_step vs_race_join(vs_step_context* c);
// zx_vcpu_write_state of a buffer that changed during the call.
vs_step vs_race_write(vs_step_context* c);
// Where a further world of the set may be made; NULL: there is no room.
vs_world* vs_spare_world(vs_oracle* oracle);

// Fills `why` with what was got; a call that did not return is that, whatever `kind` says.
vs_step vs_step_violation(vs_step_context* c, vs_violation_kind kind, vs_clause_code clause);
// For what is decided by nothing else: true if the answer is `status`, the only right one.
bool vs_step_answered(vs_step_context* c, zx_status_t status);
// True if a handle may be given out: not 0, and not an open handle's value.
bool vs_step_is_fresh(const vs_step_context* c, zx_handle_t value);
// The open slot that the op's handle names, or NULL.
const vs_slot* vs_step_slot(vs_step_context* c);

#endif  // VS_MODEL_STEP_H_
