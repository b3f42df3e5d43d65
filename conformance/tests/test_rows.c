// SPDX-License-Identifier: BSD-3-Clause
// The rows of the model's tables, written down a second time: from the page, from what the
// published kernels do, and, for names, from what users' files hold. A row that changes by accident
// differs.
#include <criterion/criterion.h>
#include <string.h>

#include "tables.h"

// --- checks ------------------------------------------------------------------------------------

// Who asks for it, what it answers, what accepting breaks, and what another refusal breaks.
static const struct {
  vs_check_code check;
  const char* name;
  uint8_t call;
  vs_check_sort sort;
  zx_status_t status;
  const char* rule;
  const char* error;
} checks[] = {
    {VS_CHECK_NONE, "none", VS_OP_COUNT, VS_SORT_PAGE, ZX_OK, "write_state.return.ok",
     "write_state.return.ok"},
    {VS_CHECK_BAD_HANDLE, "bad_handle", VS_CALL_vcpu_write_state, VS_SORT_PAGE, ZX_ERR_BAD_HANDLE,
     "write_state.errors.bad_handle", "write_state.errors.bad_handle"},
    {VS_CHECK_WRONG_TYPE, "wrong_type", VS_CALL_vcpu_write_state, VS_SORT_PAGE, ZX_ERR_WRONG_TYPE,
     "write_state.rights.type", "write_state.errors.wrong_type"},
    {VS_CHECK_ACCESS_DENIED, "access_denied", VS_CALL_vcpu_write_state, VS_SORT_PAGE,
     ZX_ERR_ACCESS_DENIED, "write_state.rights.write", "write_state.errors.access_denied"},
    {VS_CHECK_KIND, "kind", VS_CALL_vcpu_write_state, VS_SORT_PAGE, ZX_ERR_INVALID_ARGS,
     "write_state.description.kind", "write_state.errors.invalid_args.kind"},
    {VS_CHECK_SIZE, "size", VS_CALL_vcpu_write_state, VS_SORT_PAGE, ZX_ERR_INVALID_ARGS,
     "write_state.errors.invalid_args.size", "write_state.errors.invalid_args.size"},
    {VS_CHECK_BUFFER, "buffer", VS_CALL_vcpu_write_state, VS_SORT_PAGE, ZX_ERR_INVALID_ARGS,
     "write_state.errors.invalid_args.buffer", "write_state.errors.invalid_args.buffer"},
    {VS_CHECK_RUNNING, "running", VS_CALL_vcpu_write_state, VS_SORT_PAGE, ZX_ERR_BAD_STATE,
     "write_state.description.paused", "write_state.errors.bad_state"},
    {VS_CHECK_CREATOR, "creator", VS_CALL_vcpu_write_state, VS_SORT_PAGE, ZX_ERR_BAD_STATE,
     "write_state.description.same_thread", "write_state.errors.bad_state"},
    {VS_CHECK_ACCESS_SIZE, "access_size", VS_CALL_vcpu_write_state, VS_SORT_LATITUDE,
     ZX_ERR_INVALID_ARGS, "write_state.description.io", "write_state.description.io"},
    {VS_CHECK_NO_PORTS, "no_ports", VS_CALL_vcpu_write_state, VS_SORT_LATITUDE, ZX_ERR_INVALID_ARGS,
     "write_state.description.kind", "write_state.description.kind"},
    {VS_CHECK_SIZE_BOUND, "size_bound", VS_CALL_vcpu_write_state, VS_SORT_KERNEL,
     ZX_ERR_INVALID_ARGS, "write_state.errors.invalid_args.size",
     "write_state.errors.invalid_args.size"},
    {VS_CHECK_COPY, "copy", VS_CALL_vcpu_write_state, VS_SORT_KERNEL, ZX_ERR_INVALID_ARGS,
     "write_state.errors.invalid_args.buffer", "write_state.errors.invalid_args.buffer"},
    {VS_CHECK_NULL_POINTER, "null_pointer", VS_CALL_vcpu_write_state, VS_SORT_KERNEL,
     ZX_ERR_INVALID_ARGS, "write_state.errors.invalid_args.buffer",
     "write_state.errors.invalid_args.buffer"},
    {VS_CHECK_ALIGNMENT, "alignment", VS_CALL_vcpu_write_state, VS_SORT_KERNEL, ZX_ERR_INVALID_ARGS,
     "write_state.errors.invalid_args.buffer", "write_state.errors.invalid_args.buffer"},
    {VS_CHECK_KERNEL_FAULT, "kernel_fault", VS_CALL_vcpu_write_state, VS_SORT_UNDEFINED,
     ZX_ERR_INVALID_ARGS, "write_state.errors.invalid_args.buffer",
     "write_state.errors.invalid_args.buffer"},
    {VS_CHECK_GUEST_BAD_HANDLE, "bad_handle", VS_CALL_guest_create, VS_SORT_PAGE, ZX_ERR_BAD_HANDLE,
     "guest_create.rights.resource", "guest_create.errors.bad_handle"},
    {VS_CHECK_GUEST_WRONG_TYPE, "wrong_type", VS_CALL_guest_create, VS_SORT_PAGE, ZX_ERR_WRONG_TYPE,
     "guest_create.rights.resource", "guest_create.errors.wrong_type"},
    {VS_CHECK_GUEST_NO_RESOURCE, "no_resource", VS_CALL_guest_create, VS_SORT_LATITUDE,
     ZX_ERR_WRONG_TYPE, "guest_create.rights.resource", "guest_create.errors.bad_handle"},
    {VS_CHECK_GUEST_NOT_THIS, "not_this_resource", VS_CALL_guest_create, VS_SORT_LATITUDE,
     ZX_ERR_ACCESS_DENIED, "guest_create.rights.resource", "guest_create.errors.bad_handle"},
    {VS_CHECK_GUEST_OTHER, "other_resource", VS_CALL_guest_create, VS_SORT_PAGE,
     ZX_ERR_ACCESS_DENIED, "guest_create.rights.resource", "guest_create.errors.access_denied"},
    {VS_CHECK_GUEST_OTHER_KIND, "other_kind", VS_CALL_guest_create, VS_SORT_KERNEL,
     ZX_ERR_WRONG_TYPE, "guest_create.rights.resource", "guest_create.errors.access_denied"},
    {VS_CHECK_GUEST_OPTIONS, "options", VS_CALL_guest_create, VS_SORT_PAGE, ZX_ERR_INVALID_ARGS,
     "guest_create.errors.invalid_args.options", "guest_create.errors.invalid_args.options"},
    {VS_CHECK_GUEST_OUT, "guest_handle", VS_CALL_guest_create, VS_SORT_PAGE, ZX_ERR_INVALID_ARGS,
     "guest_create.errors.invalid_args.guest_handle",
     "guest_create.errors.invalid_args.guest_handle"},
    {VS_CHECK_GUEST_OUT_VMAR, "vmar_handle", VS_CALL_guest_create, VS_SORT_PAGE,
     ZX_ERR_INVALID_ARGS, "guest_create.errors.invalid_args.vmar_handle",
     "guest_create.errors.invalid_args.vmar_handle"},
    {VS_CHECK_TRAP_BAD_HANDLE, "bad_handle", VS_CALL_guest_set_trap, VS_SORT_PAGE,
     ZX_ERR_BAD_HANDLE, "set_trap.errors.bad_handle.guest", "set_trap.errors.bad_handle.guest"},
    {VS_CHECK_TRAP_WRONG_TYPE, "wrong_type", VS_CALL_guest_set_trap, VS_SORT_PAGE,
     ZX_ERR_WRONG_TYPE, "set_trap.rights.type", "set_trap.errors.wrong_type.guest"},
    {VS_CHECK_TRAP_ACCESS_DENIED, "access_denied", VS_CALL_guest_set_trap, VS_SORT_PAGE,
     ZX_ERR_ACCESS_DENIED, "set_trap.rights.write", "set_trap.errors.access_denied.guest"},
    {VS_CHECK_TRAP_PORT_BAD_HANDLE, "port_bad_handle", VS_CALL_guest_set_trap, VS_SORT_PAGE,
     ZX_ERR_BAD_HANDLE, "set_trap.errors.bad_handle.port", "set_trap.errors.bad_handle.port"},
    {VS_CHECK_TRAP_PORT_WRONG_TYPE, "port_wrong_type", VS_CALL_guest_set_trap, VS_SORT_PAGE,
     ZX_ERR_WRONG_TYPE, "set_trap.rights.port_type", "set_trap.errors.wrong_type.port"},
    {VS_CHECK_TRAP_PORT_ACCESS_DENIED, "port_access_denied", VS_CALL_guest_set_trap, VS_SORT_PAGE,
     ZX_ERR_ACCESS_DENIED, "set_trap.rights.port_write", "set_trap.errors.access_denied.port"},
    {VS_CHECK_TRAP_KIND, "kind", VS_CALL_guest_set_trap, VS_SORT_PAGE, ZX_ERR_INVALID_ARGS,
     "set_trap.errors.invalid_args.kind", "set_trap.errors.invalid_args.kind"},
    {VS_CHECK_TRAP_PORT_GIVEN, "port_given", VS_CALL_guest_set_trap, VS_SORT_PAGE,
     ZX_ERR_INVALID_ARGS, "set_trap.description.port", "set_trap.errors.invalid_args.port"},
    {VS_CHECK_TRAP_PORT_MISSING, "port_missing", VS_CALL_guest_set_trap, VS_SORT_PAGE,
     ZX_ERR_INVALID_ARGS, "set_trap.description.port", "set_trap.description.port"},
    {VS_CHECK_TRAP_PORT_NOTHING, "port_nothing", VS_CALL_guest_set_trap, VS_SORT_PAGE,
     ZX_ERR_BAD_HANDLE, "set_trap.description.port", "set_trap.description.port"},
    {VS_CHECK_TRAP_NO_PORTS, "no_ports", VS_CALL_guest_set_trap, VS_SORT_LATITUDE,
     ZX_ERR_NOT_SUPPORTED, "set_trap.errors.invalid_args.kind",
     "set_trap.errors.invalid_args.kind"},
    {VS_CHECK_TRAP_NO_PORT_SPACE, "no_port_space", VS_CALL_guest_set_trap, VS_SORT_LATITUDE,
     ZX_ERR_INVALID_ARGS, "set_trap.errors.invalid_args.kind", "set_trap.errors.invalid_args.kind"},
    {VS_CHECK_TRAP_ALIGNED, "aligned", VS_CALL_guest_set_trap, VS_SORT_PAGE, ZX_ERR_INVALID_ARGS,
     "set_trap.description.aligned", "set_trap.description.aligned"},
    {VS_CHECK_TRAP_APIC, "local_apic", VS_CALL_guest_set_trap, VS_SORT_LATITUDE,
     ZX_ERR_INVALID_ARGS, "set_trap.return.ok", "set_trap.return.ok"},
    {VS_CHECK_TRAP_APIC_RANGE, "local_apic_range", VS_CALL_guest_set_trap, VS_SORT_LATITUDE,
     ZX_ERR_OUT_OF_RANGE, "set_trap.return.ok", "set_trap.return.ok"},
    {VS_CHECK_TRAP_EMPTY, "empty", VS_CALL_guest_set_trap, VS_SORT_LATITUDE, ZX_ERR_INVALID_ARGS,
     "set_trap.return.ok", "set_trap.return.ok"},
    {VS_CHECK_TRAP_EMPTY_IO, "empty_io", VS_CALL_guest_set_trap, VS_SORT_LATITUDE,
     ZX_ERR_INVALID_ARGS, "set_trap.return.ok", "set_trap.return.ok"},
    {VS_CHECK_TRAP_EMPTY_RANGE, "empty_range", VS_CALL_guest_set_trap, VS_SORT_LATITUDE,
     ZX_ERR_OUT_OF_RANGE, "set_trap.return.ok", "set_trap.return.ok"},
    {VS_CHECK_TRAP_UNMAP, "unmap", VS_CALL_guest_set_trap, VS_SORT_KERNEL, ZX_ERR_INVALID_ARGS,
     "set_trap.errors.out_of_range", "set_trap.errors.out_of_range"},
    {VS_CHECK_TRAP_RANGE, "range", VS_CALL_guest_set_trap, VS_SORT_PAGE, ZX_ERR_OUT_OF_RANGE,
     "set_trap.errors.out_of_range", "set_trap.errors.out_of_range"},
    {VS_CHECK_TRAP_PORT_RANGE, "port_range", VS_CALL_guest_set_trap, VS_SORT_KERNEL,
     ZX_ERR_OUT_OF_RANGE, "set_trap.errors.out_of_range", "set_trap.errors.out_of_range"},
    {VS_CHECK_TRAP_LAST_PORT, "last_port", VS_CALL_guest_set_trap, VS_SORT_KERNEL,
     ZX_ERR_OUT_OF_RANGE, "set_trap.return.ok", "set_trap.return.ok"},
    {VS_CHECK_TRAP_EXISTS, "exists", VS_CALL_guest_set_trap, VS_SORT_PAGE, ZX_ERR_ALREADY_EXISTS,
     "set_trap.errors.already_exists", "set_trap.errors.already_exists"},
    {VS_CHECK_TRAP_SHARED, "shared", VS_CALL_guest_set_trap, VS_SORT_KERNEL, ZX_ERR_ALREADY_EXISTS,
     "set_trap.errors.already_exists", "set_trap.errors.already_exists"},
    {VS_CHECK_TRAP_WRAPS, "wraps", VS_CALL_guest_set_trap, VS_SORT_KERNEL, ZX_ERR_OUT_OF_RANGE,
     "set_trap.errors.out_of_range", "set_trap.errors.out_of_range"},
    {VS_CHECK_TRAP_WRAPS_LATE, "wraps_late", VS_CALL_guest_set_trap, VS_SORT_KERNEL,
     ZX_ERR_OUT_OF_RANGE, "set_trap.errors.out_of_range", "set_trap.errors.out_of_range"},
    {VS_CHECK_TRAP_EXISTS_AT, "exists_at", VS_CALL_guest_set_trap, VS_SORT_KERNEL,
     ZX_ERR_ALREADY_EXISTS, "set_trap.errors.already_exists", "set_trap.errors.already_exists"},
    {VS_CHECK_TRAP_TAKEN, "taken", VS_CALL_guest_set_trap, VS_SORT_KERNEL, ZX_ERR_INVALID_ARGS,
     "set_trap.errors.already_exists", "set_trap.errors.already_exists"},
    {VS_CHECK_CREATE_OPTIONS, "options", VS_CALL_vcpu_create, VS_SORT_PAGE, ZX_ERR_INVALID_ARGS,
     "vcpu_create.errors.invalid_args.options", "vcpu_create.errors.invalid_args.options"},
    {VS_CHECK_CREATE_BAD_HANDLE, "bad_handle", VS_CALL_vcpu_create, VS_SORT_PAGE, ZX_ERR_BAD_HANDLE,
     "vcpu_create.errors.bad_handle", "vcpu_create.errors.bad_handle"},
    {VS_CHECK_CREATE_WRONG_TYPE, "wrong_type", VS_CALL_vcpu_create, VS_SORT_PAGE, ZX_ERR_WRONG_TYPE,
     "vcpu_create.rights.type", "vcpu_create.errors.wrong_type"},
    {VS_CHECK_CREATE_ACCESS_DENIED, "access_denied", VS_CALL_vcpu_create, VS_SORT_PAGE,
     ZX_ERR_ACCESS_DENIED, "vcpu_create.rights.manage_thread", "vcpu_create.errors.access_denied"},
    {VS_CHECK_CREATE_ENTRY, "entry", VS_CALL_vcpu_create, VS_SORT_PAGE, ZX_ERR_INVALID_ARGS,
     "vcpu_create.errors.invalid_args.entry", "vcpu_create.errors.invalid_args.entry"},
    {VS_CHECK_CREATE_BUSY, "busy", VS_CALL_vcpu_create, VS_SORT_PAGE, ZX_ERR_BAD_STATE,
     "vcpu_create.description.one_per_thread", "vcpu_create.errors.bad_state"},
    {VS_CHECK_CREATE_OUT, "out", VS_CALL_vcpu_create, VS_SORT_PAGE, ZX_ERR_INVALID_ARGS,
     "vcpu_create.errors.invalid_args.out", "vcpu_create.errors.invalid_args.out"},
    {VS_CHECK_ENTER_BAD_HANDLE, "bad_handle", VS_CALL_vcpu_enter, VS_SORT_PAGE, ZX_ERR_BAD_HANDLE,
     "enter.errors.bad_handle", "enter.errors.bad_handle"},
    {VS_CHECK_ENTER_WRONG_TYPE, "wrong_type", VS_CALL_vcpu_enter, VS_SORT_PAGE, ZX_ERR_WRONG_TYPE,
     "enter.rights.type", "enter.errors.wrong_type"},
    {VS_CHECK_ENTER_ACCESS_DENIED, "access_denied", VS_CALL_vcpu_enter, VS_SORT_PAGE,
     ZX_ERR_ACCESS_DENIED, "enter.rights.execute", "enter.errors.access_denied"},
    {VS_CHECK_ENTER_CREATOR, "creator", VS_CALL_vcpu_enter, VS_SORT_PAGE, ZX_ERR_BAD_STATE,
     "enter.description.same_thread", "enter.errors.bad_state"},
    {VS_CHECK_ENTER_KICKED, "kicked", VS_CALL_vcpu_enter, VS_SORT_PAGE, ZX_ERR_CANCELED,
     "family.kick.cancels", "family.kick.cancels"},
    {VS_CHECK_ENTER_OUT, "packet", VS_CALL_vcpu_enter, VS_SORT_PAGE, ZX_ERR_INVALID_ARGS,
     "enter.errors.invalid_args.packet", "enter.errors.invalid_args.packet"},
    {VS_CHECK_ENTER_BELL, "bell", VS_CALL_vcpu_enter, VS_SORT_LATITUDE, ZX_ERR_BAD_STATE,
     "set_trap.description.bell", "set_trap.description.bell"},
    {VS_CHECK_KICK_BAD_HANDLE, "bad_handle", VS_CALL_vcpu_kick, VS_SORT_PAGE, ZX_ERR_BAD_HANDLE,
     "kick.errors.bad_handle", "kick.errors.bad_handle"},
    {VS_CHECK_KICK_WRONG_TYPE, "wrong_type", VS_CALL_vcpu_kick, VS_SORT_PAGE, ZX_ERR_WRONG_TYPE,
     "kick.rights.type", "kick.errors.wrong_type"},
    {VS_CHECK_KICK_ACCESS_DENIED, "access_denied", VS_CALL_vcpu_kick, VS_SORT_PAGE,
     ZX_ERR_ACCESS_DENIED, "kick.rights.execute", "kick.errors.access_denied"},
    {VS_CHECK_INTERRUPT_BAD_HANDLE, "bad_handle", VS_CALL_vcpu_interrupt, VS_SORT_PAGE,
     ZX_ERR_BAD_HANDLE, "interrupt.errors.bad_handle", "interrupt.errors.bad_handle"},
    {VS_CHECK_INTERRUPT_WRONG_TYPE, "wrong_type", VS_CALL_vcpu_interrupt, VS_SORT_PAGE,
     ZX_ERR_WRONG_TYPE, "interrupt.rights.type", "interrupt.errors.wrong_type"},
    {VS_CHECK_INTERRUPT_ACCESS_DENIED, "access_denied", VS_CALL_vcpu_interrupt, VS_SORT_PAGE,
     ZX_ERR_ACCESS_DENIED, "interrupt.rights.signal", "interrupt.errors.access_denied"},
    {VS_CHECK_INTERRUPT_RANGE, "range", VS_CALL_vcpu_interrupt, VS_SORT_PAGE, ZX_ERR_OUT_OF_RANGE,
     "family.interrupt.range", "family.interrupt.range"},
    {VS_CHECK_READ_BAD_HANDLE, "bad_handle", VS_CALL_vcpu_read_state, VS_SORT_PAGE,
     ZX_ERR_BAD_HANDLE, "read_state.errors.bad_handle", "read_state.errors.bad_handle"},
    {VS_CHECK_READ_WRONG_TYPE, "wrong_type", VS_CALL_vcpu_read_state, VS_SORT_PAGE,
     ZX_ERR_WRONG_TYPE, "read_state.rights.type", "read_state.errors.wrong_type"},
    {VS_CHECK_READ_ACCESS_DENIED, "access_denied", VS_CALL_vcpu_read_state, VS_SORT_PAGE,
     ZX_ERR_ACCESS_DENIED, "read_state.rights.read", "read_state.errors.access_denied"},
    {VS_CHECK_READ_SIZE_BOUND, "size_bound", VS_CALL_vcpu_read_state, VS_SORT_KERNEL,
     ZX_ERR_INVALID_ARGS, "read_state.errors.invalid_args.size",
     "read_state.errors.invalid_args.size"},
    {VS_CHECK_READ_KIND, "kind", VS_CALL_vcpu_read_state, VS_SORT_PAGE, ZX_ERR_INVALID_ARGS,
     "read_state.errors.invalid_args.kind", "read_state.errors.invalid_args.kind"},
    {VS_CHECK_READ_SIZE, "size", VS_CALL_vcpu_read_state, VS_SORT_PAGE, ZX_ERR_INVALID_ARGS,
     "read_state.errors.invalid_args.size", "read_state.errors.invalid_args.size"},
    {VS_CHECK_READ_RUNNING, "running", VS_CALL_vcpu_read_state, VS_SORT_PAGE, ZX_ERR_BAD_STATE,
     "read_state.description.paused", "read_state.errors.bad_state"},
    {VS_CHECK_READ_CREATOR, "creator", VS_CALL_vcpu_read_state, VS_SORT_PAGE, ZX_ERR_BAD_STATE,
     "read_state.description.same_thread", "read_state.errors.bad_state"},
    {VS_CHECK_READ_ALIGNMENT, "alignment", VS_CALL_vcpu_read_state, VS_SORT_KERNEL,
     ZX_ERR_INVALID_ARGS, "read_state.errors.invalid_args.buffer",
     "read_state.errors.invalid_args.buffer"},
    {VS_CHECK_READ_BUFFER, "buffer", VS_CALL_vcpu_read_state, VS_SORT_PAGE, ZX_ERR_INVALID_ARGS,
     "read_state.errors.invalid_args.buffer", "read_state.errors.invalid_args.buffer"},
    {VS_CHECK_WAIT_EMPTY, "empty", VS_CALL_port_wait, VS_SORT_PAGE, ZX_ERR_TIMED_OUT,
     "family.port.keeps", "family.port.keeps"},
    {VS_CHECK_CLOSE_BAD_HANDLE, "bad_handle", VS_CALL_handle_close, VS_SORT_PAGE, ZX_ERR_BAD_HANDLE,
     "handle_close.errors.bad_handle", "handle_close.errors.bad_handle"},
    {VS_CHECK_DUPLICATE_BAD_HANDLE, "bad_handle", VS_CALL_handle_duplicate, VS_SORT_PAGE,
     ZX_ERR_BAD_HANDLE, "handle_duplicate.errors.bad_handle", "handle_duplicate.errors.bad_handle"},
    {VS_CHECK_DUPLICATE_ACCESS_DENIED, "access_denied", VS_CALL_handle_duplicate, VS_SORT_PAGE,
     ZX_ERR_ACCESS_DENIED, "handle_duplicate.errors.access_denied",
     "handle_duplicate.errors.access_denied"},
    {VS_CHECK_DUPLICATE_RIGHTS, "rights", VS_CALL_handle_duplicate, VS_SORT_PAGE,
     ZX_ERR_INVALID_ARGS, "handle_duplicate.errors.invalid_args.rights",
     "handle_duplicate.errors.invalid_args.rights"},
    {VS_CHECK_DUPLICATE_OUT, "out", VS_CALL_handle_duplicate, VS_SORT_PAGE, ZX_ERR_INVALID_ARGS,
     "handle_duplicate.errors.invalid_args.out", "handle_duplicate.errors.invalid_args.out"},
    {VS_CHECK_REPLACE_BAD_HANDLE, "bad_handle", VS_CALL_handle_replace, VS_SORT_PAGE,
     ZX_ERR_BAD_HANDLE, "handle_duplicate.errors.bad_handle", "handle_duplicate.errors.bad_handle"},
    {VS_CHECK_REPLACE_RIGHTS, "rights", VS_CALL_handle_replace, VS_SORT_PAGE, ZX_ERR_INVALID_ARGS,
     "handle_duplicate.errors.invalid_args.rights", "handle_duplicate.errors.invalid_args.rights"},
    {VS_CHECK_REPLACE_OUT, "out", VS_CALL_handle_replace, VS_SORT_PAGE, ZX_ERR_INVALID_ARGS,
     "handle_duplicate.errors.invalid_args.out", "handle_duplicate.errors.invalid_args.out"},
};

Test(rows, of_checks_are_as_the_page_and_the_kernels_make_them) {
  cr_assert(VS_CHECK_COUNT == sizeof checks / sizeof checks[0], "%d checks", VS_CHECK_COUNT);
  for (size_t i = 0; i < VS_CHECK_COUNT; i++) {
    const vs_check* check = &vs_checks[i];
    cr_assert_eq(checks[i].check, i);
    cr_expect_str_eq(check->name, checks[i].name);
    cr_expect_eq(check->call, checks[i].call, "%s: call %u", check->name, check->call);
    cr_expect_eq(check->sort, checks[i].sort, "%s: sort %d", check->name, check->sort);
    cr_expect_eq(check->status, checks[i].status, "%s: status %d", check->name, check->status);
    cr_expect_str_eq(vs_clauses[check->rule].id, checks[i].rule);
    cr_expect_str_eq(vs_clauses[check->error].id, checks[i].error);
  }
}

// --- clauses -----------------------------------------------------------------------------------

// The ids stand in users' lists of known failures, in reports and in scripts. Those of which a
// status is promised have it.
static const struct {
  const char* id;
  zx_status_t status;
} clauses[] = {
    {"write_state.description.kind", ZX_OK},
    {"write_state.description.registers", ZX_OK},
    {"write_state.description.flags", ZX_OK},
    {"write_state.description.system_flags", ZX_OK},
    {"write_state.description.io", ZX_OK},
    {"write_state.description.io_alone", ZX_OK},
    {"write_state.description.from_buffer", ZX_OK},
    {"write_state.description.buffer_kept", ZX_OK},
    {"write_state.description.one_snapshot", ZX_OK},
    {"write_state.description.of_handle", ZX_OK},
    {"write_state.description.guest_sees", ZX_OK},
    {"write_state.description.paused", ZX_OK},
    {"write_state.description.same_thread", ZX_OK},
    {"write_state.rights.type", ZX_OK},
    {"write_state.rights.write", ZX_OK},
    {"write_state.return.ok", ZX_OK},
    {"write_state.return.error", ZX_OK},
    {"write_state.errors.access_denied", ZX_ERR_ACCESS_DENIED},
    {"write_state.errors.bad_handle", ZX_ERR_BAD_HANDLE},
    {"write_state.errors.bad_state", ZX_ERR_BAD_STATE},
    {"write_state.errors.invalid_args.kind", ZX_ERR_INVALID_ARGS},
    {"write_state.errors.invalid_args.buffer", ZX_ERR_INVALID_ARGS},
    {"write_state.errors.invalid_args.size", ZX_ERR_INVALID_ARGS},
    {"write_state.errors.wrong_type", ZX_ERR_WRONG_TYPE},
    {"write_state.refusal.unchanged", ZX_OK},
    {"abi.handle.fixed_bits", ZX_ERR_BAD_HANDLE},
    {"family.handle.derived", ZX_OK},
    {"family.read_state.reports", ZX_OK},
    {"family.enter.runs_guest", ZX_OK},
    {"family.interrupt.accepted", ZX_OK},
    {"family.interrupt.range", ZX_ERR_OUT_OF_RANGE},
    {"family.kick.cancels", ZX_ERR_CANCELED},
    {"guest_create.description.creates", ZX_OK},
    {"guest_create.rights.resource", ZX_OK},
    {"guest_create.description.rights", ZX_OK},
    {"guest_create.return.error", ZX_OK},
    {"guest_create.errors.bad_handle", ZX_ERR_BAD_HANDLE},
    {"guest_create.errors.wrong_type", ZX_ERR_WRONG_TYPE},
    {"guest_create.errors.access_denied", ZX_ERR_ACCESS_DENIED},
    {"guest_create.errors.invalid_args.options", ZX_ERR_INVALID_ARGS},
    {"guest_create.errors.invalid_args.guest_handle", ZX_ERR_INVALID_ARGS},
    {"guest_create.errors.invalid_args.vmar_handle", ZX_ERR_INVALID_ARGS},
    {"guest_create.refusal.unchanged", ZX_OK},
    {"set_trap.return.ok", ZX_OK},
    {"set_trap.rights.type", ZX_OK},
    {"set_trap.rights.write", ZX_OK},
    {"set_trap.rights.port_type", ZX_OK},
    {"set_trap.rights.port_write", ZX_OK},
    {"set_trap.description.aligned", ZX_ERR_INVALID_ARGS},
    {"set_trap.description.port", ZX_OK},
    {"set_trap.description.key", ZX_OK},
    {"set_trap.description.mem", ZX_OK},
    {"set_trap.description.mem_packet", ZX_OK},
    {"set_trap.description.bell", ZX_OK},
    {"set_trap.description.bell_packet", ZX_OK},
    {"set_trap.return.error", ZX_OK},
    {"set_trap.errors.access_denied.guest", ZX_ERR_ACCESS_DENIED},
    {"set_trap.errors.access_denied.port", ZX_ERR_ACCESS_DENIED},
    {"set_trap.errors.already_exists", ZX_ERR_ALREADY_EXISTS},
    {"set_trap.errors.bad_handle.guest", ZX_ERR_BAD_HANDLE},
    {"set_trap.errors.bad_handle.port", ZX_ERR_BAD_HANDLE},
    {"set_trap.errors.invalid_args.kind", ZX_ERR_INVALID_ARGS},
    {"set_trap.errors.invalid_args.port", ZX_ERR_INVALID_ARGS},
    {"set_trap.errors.out_of_range", ZX_ERR_OUT_OF_RANGE},
    {"set_trap.errors.wrong_type.guest", ZX_ERR_WRONG_TYPE},
    {"set_trap.errors.wrong_type.port", ZX_ERR_WRONG_TYPE},
    {"set_trap.refusal.unchanged", ZX_OK},
    {"vcpu_create.description.creates", ZX_OK},
    {"vcpu_create.description.one_per_thread", ZX_ERR_BAD_STATE},
    {"vcpu_create.description.rights", ZX_OK},
    {"vcpu_create.rights.type", ZX_OK},
    {"vcpu_create.rights.manage_thread", ZX_OK},
    {"vcpu_create.return.error", ZX_OK},
    {"vcpu_create.errors.access_denied", ZX_ERR_ACCESS_DENIED},
    {"vcpu_create.errors.bad_handle", ZX_ERR_BAD_HANDLE},
    {"vcpu_create.errors.bad_state", ZX_ERR_BAD_STATE},
    {"vcpu_create.errors.invalid_args.entry", ZX_ERR_INVALID_ARGS},
    {"vcpu_create.errors.invalid_args.out", ZX_ERR_INVALID_ARGS},
    {"vcpu_create.errors.invalid_args.options", ZX_ERR_INVALID_ARGS},
    {"vcpu_create.errors.wrong_type", ZX_ERR_WRONG_TYPE},
    {"vcpu_create.refusal.unchanged", ZX_OK},
    {"enter.description.same_thread", ZX_OK},
    {"enter.description.packet", ZX_OK},
    {"enter.description.keeps", ZX_OK},
    {"enter.description.vcpu_packet", ZX_OK},
    {"enter.rights.type", ZX_OK},
    {"enter.rights.execute", ZX_OK},
    {"enter.return.error", ZX_OK},
    {"enter.errors.access_denied", ZX_ERR_ACCESS_DENIED},
    {"enter.errors.bad_handle", ZX_ERR_BAD_HANDLE},
    {"enter.errors.bad_state", ZX_ERR_BAD_STATE},
    {"enter.errors.invalid_args.packet", ZX_ERR_INVALID_ARGS},
    {"enter.errors.wrong_type", ZX_ERR_WRONG_TYPE},
    {"enter.refusal.unchanged", ZX_OK},
    {"kick.rights.type", ZX_OK},
    {"kick.rights.execute", ZX_OK},
    {"kick.return.error", ZX_OK},
    {"kick.errors.access_denied", ZX_ERR_ACCESS_DENIED},
    {"kick.errors.bad_handle", ZX_ERR_BAD_HANDLE},
    {"kick.errors.wrong_type", ZX_ERR_WRONG_TYPE},
    {"kick.refusal.unchanged", ZX_OK},
    {"interrupt.description.raises", ZX_OK},
    {"interrupt.rights.type", ZX_OK},
    {"interrupt.rights.signal", ZX_OK},
    {"interrupt.return.error", ZX_OK},
    {"interrupt.errors.access_denied", ZX_ERR_ACCESS_DENIED},
    {"interrupt.errors.bad_handle", ZX_ERR_BAD_HANDLE},
    {"interrupt.errors.wrong_type", ZX_ERR_WRONG_TYPE},
    {"interrupt.refusal.unchanged", ZX_OK},
    {"read_state.description.same_thread", ZX_OK},
    {"read_state.description.paused", ZX_OK},
    {"read_state.description.within", ZX_OK},
    {"read_state.rights.type", ZX_OK},
    {"read_state.rights.read", ZX_OK},
    {"read_state.return.error", ZX_OK},
    {"read_state.errors.access_denied", ZX_ERR_ACCESS_DENIED},
    {"read_state.errors.bad_handle", ZX_ERR_BAD_HANDLE},
    {"read_state.errors.bad_state", ZX_ERR_BAD_STATE},
    {"read_state.errors.invalid_args.kind", ZX_ERR_INVALID_ARGS},
    {"read_state.errors.invalid_args.buffer", ZX_ERR_INVALID_ARGS},
    {"read_state.errors.invalid_args.size", ZX_ERR_INVALID_ARGS},
    {"read_state.errors.wrong_type", ZX_ERR_WRONG_TYPE},
    {"read_state.refusal.unchanged", ZX_OK},
    {"handle_close.errors.bad_handle", ZX_ERR_BAD_HANDLE},
    {"handle_duplicate.errors.bad_handle", ZX_ERR_BAD_HANDLE},
    {"handle_duplicate.errors.access_denied", ZX_ERR_ACCESS_DENIED},
    {"handle_duplicate.errors.invalid_args.rights", ZX_ERR_INVALID_ARGS},
    {"handle_duplicate.errors.invalid_args.out", ZX_ERR_INVALID_ARGS},
    {"handle_replace.description.consumes", ZX_OK},
    {"family.objects.created", ZX_OK},
    {"family.port.keeps", ZX_ERR_TIMED_OUT},
};

Test(rows, of_clauses_keep_their_ids_and_statuses) {
  cr_assert(VS_CLAUSE_COUNT == sizeof clauses / sizeof clauses[0], "%d clauses", VS_CLAUSE_COUNT);
  for (size_t i = 0; i < VS_CLAUSE_COUNT; i++) {
    cr_expect_str_eq(vs_clauses[i].id, clauses[i].id);
    cr_expect_eq(vs_clauses[i].status, clauses[i].status, "%s: status %d", vs_clauses[i].id,
                 vs_clauses[i].status);
  }
}

// --- calls --------------------------------------------------------------------------------------

static const struct {
  uint8_t call;
  const char* clauses[4];  // accepted, several, refused, beside
} judged[] = {
    {VS_CALL_guest_create,
     {"guest_create.description.creates", "guest_create.return.error",
      "guest_create.refusal.unchanged", "guest_create.refusal.unchanged"}},
    {VS_CALL_guest_set_trap,
     {"set_trap.return.ok", "set_trap.return.error", "set_trap.refusal.unchanged",
      "set_trap.refusal.unchanged"}},
    {VS_CALL_vcpu_create,
     {"vcpu_create.description.creates", "vcpu_create.return.error",
      "vcpu_create.refusal.unchanged", "vcpu_create.refusal.unchanged"}},
    {VS_CALL_vcpu_enter,
     {"family.enter.runs_guest", "enter.return.error", "enter.refusal.unchanged",
      "enter.description.packet"}},
    {VS_CALL_vcpu_kick,
     {"family.kick.cancels", "kick.return.error", "kick.refusal.unchanged",
      "kick.refusal.unchanged"}},
    {VS_CALL_vcpu_interrupt,
     {"family.interrupt.accepted", "interrupt.return.error", "interrupt.refusal.unchanged",
      "interrupt.refusal.unchanged"}},
    {VS_CALL_vcpu_read_state,
     {"family.read_state.reports", "read_state.return.error", "read_state.refusal.unchanged",
      "read_state.description.within"}},
    {VS_CALL_vcpu_write_state,
     {"write_state.return.ok", "write_state.return.error", "write_state.refusal.unchanged",
      "write_state.description.buffer_kept"}},
    {VS_CALL_handle_close,
     {"family.handle.derived", "handle_close.errors.bad_handle", "family.handle.derived",
      "family.handle.derived"}},
    {VS_CALL_handle_duplicate,
     {"family.handle.derived", "family.handle.derived", "family.handle.derived",
      "family.handle.derived"}},
    {VS_CALL_handle_replace,
     {"family.handle.derived", "family.handle.derived", "family.handle.derived",
      "family.handle.derived"}},
    {VS_CALL_event_create,
     {"family.objects.created", "family.objects.created", "family.objects.created",
      "family.objects.created"}},
    {VS_CALL_port_create,
     {"family.objects.created", "family.objects.created", "family.objects.created",
      "family.objects.created"}},
    {VS_CALL_vmo_create,
     {"family.objects.created", "family.objects.created", "family.objects.created",
      "family.objects.created"}},
    {VS_CALL_port_wait,
     {"family.port.keeps", "family.port.keeps", "family.port.keeps", "family.port.keeps"}},
    {VS_CALL_port_queue,
     {"family.port.keeps", "family.port.keeps", "family.port.keeps", "family.port.keeps"}},
};

Test(rows, of_judged_calls_say_what_they_break) {
  enum { COUNT = sizeof judged / sizeof judged[0] };
  unsigned known = 0;
  for (size_t i = 0; i < VS_OP_COUNT; i++) known += vs_judged_calls[i].known;
  cr_assert_eq(known, COUNT);
  for (size_t i = 0; i < COUNT; i++) {
    const vs_judged* row = &vs_judged_calls[judged[i].call];
    cr_expect_str_eq(vs_clauses[row->accepted].id, judged[i].clauses[0]);
    cr_expect_str_eq(vs_clauses[row->several].id, judged[i].clauses[1]);
    cr_expect_str_eq(vs_clauses[row->refused].id, judged[i].clauses[2]);
    cr_expect_str_eq(vs_clauses[row->beside].id, judged[i].clauses[3]);
  }
}

// --- latitudes, quirks, defects ----------------------------------------------------------------

Test(rows, of_latitudes_and_quirks_keep_their_ids) {
  static const char* const latitudes[] = {
      "wrong_thread_io_invalid_args",  "flags_gate",        "flags_nt_ac_id_ignored",
      "io_access_size_other",          "io_upper_zeroed",   "io_without_ports",
      "guest_create_bad_handle_other", "trap_of_size_zero", "trap_io_without_ports",
      "trap_local_apic_size",          "bell_without_port", "bells_outlive_guest"};
  static const char* const quirks[] = {"initial_zero",    "in32_clears",    "flags_ungated",
                                       "io_upper_zeroed", "manage_process", "handle_bits",
                                       "replace_loses",   "highest_first",  "load_keeps"};
  cr_assert(VS_LATITUDE_COUNT == sizeof latitudes / sizeof latitudes[0]);
  cr_assert(VS_QUIRK_COUNT == sizeof quirks / sizeof quirks[0]);
  for (size_t i = 0; i < VS_LATITUDE_COUNT; i++) cr_expect_str_eq(vs_latitudes[i].id, latitudes[i]);
  for (size_t i = 0; i < VS_QUIRK_COUNT; i++) cr_expect_str_eq(vs_quirks[i].id, quirks[i]);
}

Test(rows, of_defects_name_their_kernel_and_aspect) {
  static const struct {
    const char* id;
    uint8_t call;
    const char* profiles;
    vs_aspect aspect;
  } rows[] = {
      {"flags_or_only_arm64", VS_CALL_vcpu_write_state, "zircon-arm64 zircon-2026 zircon-2023",
       VS_ASPECT_EFFECT},
      {"flags_or_only_2018", VS_CALL_vcpu_write_state, "zircon-2018", VS_ASPECT_EFFECT},
      {"access_size_overruns", VS_CALL_vcpu_write_state, "zircon-2018", VS_ASPECT_EFFECT},
      {"misaligned_refused", VS_CALL_vcpu_write_state, "zcore", VS_ASPECT_ANSWER},
      {"unreadable_faults", VS_CALL_vcpu_write_state, "zcore", VS_ASPECT_ANSWER},
      {"any_vector", VS_CALL_vcpu_interrupt, "zircon-2023", VS_ASPECT_ANSWER},
      {"resource_kind", VS_CALL_guest_create,
       "zircon-x64 zircon-arm64 zircon-2026 zircon-2023 zircon-2018 zcore", VS_ASPECT_ANSWER},
      {"unmap_first", VS_CALL_guest_set_trap,
       "zircon-x64 zircon-arm64 zircon-2026 zircon-2023 zircon-2018", VS_ASPECT_ANSWER},
      {"last_port", VS_CALL_guest_set_trap,
       "zircon-x64 zircon-arm64 zircon-2026 zircon-2023 zircon-2018 zcore", VS_ASPECT_ANSWER},
      {"trap_anywhere", VS_CALL_guest_set_trap, "zcore", VS_ASPECT_ANSWER},
      {"wraps_first", VS_CALL_guest_set_trap, "zircon-2018", VS_ASPECT_ANSWER},
      {"traps_overlap", VS_CALL_guest_set_trap, "zircon-2018 zcore", VS_ASPECT_ANSWER},
      {"several_vcpus", VS_CALL_vcpu_create, "zircon-2018", VS_ASPECT_ANSWER},
      {"read_misaligned_refused", VS_CALL_vcpu_read_state, "zcore", VS_ASPECT_ANSWER},
  };
  cr_assert(VS_DEFECT_COUNT == sizeof rows / sizeof rows[0], "%d defects", VS_DEFECT_COUNT);
  for (size_t i = 0; i < VS_DEFECT_COUNT; i++) {
    cr_expect_str_eq(vs_defects[i].id, rows[i].id);
    cr_expect_eq(vs_defects[i].call, rows[i].call, "%s", rows[i].id);
    cr_expect_str_eq(vs_defects[i].profiles, rows[i].profiles);
    cr_expect_eq(vs_defects[i].aspect, rows[i].aspect, "%s: aspect %d", rows[i].id,
                 vs_defects[i].aspect);
  }
}

// --- profiles ----------------------------------------------------------------------------------

#define ORDER_2026_TEXT                                                                         \
  "guest_create: bad_handle wrong_type other_kind options guest_handle vmar_handle\n"           \
  "set_trap: bad_handle wrong_type access_denied port_bad_handle port_wrong_type "              \
  "port_access_denied no_ports kind port_given port_missing aligned empty unmap port_range "    \
  "empty_range last_port shared\n"                                                              \
  "vcpu_create: options bad_handle wrong_type access_denied entry busy out\n"                   \
  "enter: bad_handle wrong_type access_denied creator kicked bell packet\n"                     \
  "kick: bad_handle wrong_type access_denied\n"                                                 \
  "interrupt: bad_handle wrong_type access_denied range\n"                                      \
  "read_state: bad_handle wrong_type access_denied kind size creator running buffer\n"          \
  "write_state: bad_handle wrong_type access_denied kind size buffer no_ports creator running " \
  "access_size\n"                                                                               \
  "close: bad_handle\n"                                                                         \
  "duplicate: bad_handle access_denied rights out\n"                                            \
  "replace: bad_handle rights out\n"
#define ORDER_2023_TEXT                                                                         \
  "guest_create: bad_handle wrong_type other_kind options guest_handle vmar_handle\n"           \
  "set_trap: bad_handle wrong_type access_denied port_bad_handle port_wrong_type "              \
  "port_access_denied no_ports kind port_given port_missing aligned empty unmap port_range "    \
  "empty_range last_port shared\n"                                                              \
  "vcpu_create: options bad_handle wrong_type access_denied entry busy out\n"                   \
  "enter: bad_handle wrong_type access_denied creator kicked bell packet\n"                     \
  "kick: bad_handle wrong_type access_denied\n"                                                 \
  "interrupt: bad_handle wrong_type access_denied\n"                                            \
  "read_state: bad_handle wrong_type access_denied kind size creator running buffer\n"          \
  "write_state: bad_handle wrong_type access_denied kind size buffer no_ports creator running " \
  "access_size\n"                                                                               \
  "close: bad_handle\n"                                                                         \
  "duplicate: bad_handle access_denied rights out\n"                                            \
  "replace: bad_handle rights out\n"
#define ORDER_2018_TEXT                                                                            \
  "guest_create: options bad_handle wrong_type other_kind guest_handle vmar_handle\n"              \
  "set_trap: bad_handle access_denied wrong_type port_bad_handle port_access_denied "              \
  "port_wrong_type empty empty_io wraps no_ports kind port_given port_missing wraps_late aligned " \
  "unmap port_range last_port exists_at\n"                                                         \
  "vcpu_create: options bad_handle access_denied wrong_type entry out\n"                           \
  "enter: bad_handle access_denied wrong_type creator kicked bell packet\n"                        \
  "kick: bad_handle access_denied wrong_type\n"                                                    \
  "interrupt: bad_handle access_denied wrong_type range\n"                                         \
  "read_state: bad_handle access_denied wrong_type size_bound creator kind size buffer\n"          \
  "write_state: bad_handle access_denied wrong_type size_bound copy creator running kind "         \
  "no_ports size\n"                                                                                \
  "close: bad_handle\n"                                                                            \
  "duplicate: bad_handle access_denied rights out\n"                                               \
  "replace: bad_handle rights out\n"
#define ORDER_ZCORE_TEXT                                                                         \
  "guest_create: options bad_handle wrong_type other_kind guest_handle vmar_handle\n"            \
  "set_trap: bad_handle access_denied wrong_type port_bad_handle port_access_denied "            \
  "port_wrong_type kind empty empty_io wraps port_given port_missing aligned port_range "        \
  "last_port taken\n"                                                                            \
  "vcpu_create: options bad_handle access_denied wrong_type busy entry out\n"                    \
  "interrupt: bad_handle access_denied wrong_type range\n"                                       \
  "read_state: kind size bad_handle access_denied wrong_type creator running alignment buffer\n" \
  "write_state: bad_handle access_denied wrong_type creator running kind size null_pointer "     \
  "alignment kernel_fault access_size\n"                                                         \
  "close: bad_handle\n"                                                                          \
  "duplicate: bad_handle access_denied rights out\n"                                             \
  "replace: bad_handle rights out\n"

// The orders of each kernel's checks, by their names; and what it does of its own accord.
static const struct {
  const char* id;
  const char* order;
  uint8_t arch;
  vs_quirk_set quirks;
  uint64_t or_only;
} profiles[] = {
    {"documented", "", 0, 0, 0},
    {"zircon-2026", ORDER_2026_TEXT, 0,
     VS_BIT(VS_QUIRK_INITIAL_ZERO) | VS_BIT(VS_QUIRK_IN32_CLEARS) | VS_BIT(VS_QUIRK_LOAD_KEEPS) |
         VS_BIT(VS_QUIRK_HIGHEST_FIRST),
     0xf0000000},
    {"zircon-x64", ORDER_2026_TEXT, VS_ARCH_X64,
     VS_BIT(VS_QUIRK_INITIAL_ZERO) | VS_BIT(VS_QUIRK_IN32_CLEARS) | VS_BIT(VS_QUIRK_LOAD_KEEPS) |
         VS_BIT(VS_QUIRK_HIGHEST_FIRST),
     0},
    {"zircon-arm64", ORDER_2026_TEXT, VS_ARCH_ARM64,
     VS_BIT(VS_QUIRK_INITIAL_ZERO) | VS_BIT(VS_QUIRK_LOAD_KEEPS) | VS_BIT(VS_QUIRK_HIGHEST_FIRST),
     0xf0000000},
    {"zircon-2023", ORDER_2023_TEXT, 0,
     VS_BIT(VS_QUIRK_INITIAL_ZERO) | VS_BIT(VS_QUIRK_IN32_CLEARS) | VS_BIT(VS_QUIRK_LOAD_KEEPS) |
         VS_BIT(VS_QUIRK_HIGHEST_FIRST),
     0xf0000000},
    {"zircon-2018", ORDER_2018_TEXT, 0,
     VS_BIT(VS_QUIRK_INITIAL_ZERO) | VS_BIT(VS_QUIRK_MANAGE_PROCESS) |
         VS_BIT(VS_QUIRK_HANDLE_BITS) | VS_BIT(VS_QUIRK_HIGHEST_FIRST),
     0xf0000000},
    {"zcore", ORDER_ZCORE_TEXT, VS_ARCH_X64,
     VS_BIT(VS_QUIRK_INITIAL_ZERO) | VS_BIT(VS_QUIRK_MANAGE_PROCESS) |
         VS_BIT(VS_QUIRK_REPLACE_LOSES),
     0},
};

// Each call's order on a line, the calls as they first come up.
static const char* order_of(const vs_profile* profile) {
  static char text[4096];
  vs_check_set said = 0;
  text[0] = '\0';
  for (size_t i = 0; i < VS_CHECK_COUNT && profile->order[i] != VS_CHECK_NONE; i++) {
    const uint8_t call = vs_checks[profile->order[i]].call;
    if (said & VS_CHECK_IN(profile->order[i])) continue;
    strcat(text, vs_ops[call].name);
    strcat(text, ":");
    for (size_t k = i; k < VS_CHECK_COUNT && profile->order[k] != VS_CHECK_NONE; k++) {
      if (vs_checks[profile->order[k]].call != call) continue;
      said |= VS_CHECK_IN(profile->order[k]);
      strcat(text, " ");
      strcat(text, vs_checks[profile->order[k]].name);
    }
    strcat(text, "\n");
  }
  return text;
}

Test(rows, of_profiles_are_their_kernels) {
  cr_assert(vs_profile_count == sizeof profiles / sizeof profiles[0], "%zu", vs_profile_count);
  for (size_t i = 0; i < vs_profile_count; i++) {
    const vs_profile* p = &vs_profiles[i];
    cr_expect_str_eq(p->id, profiles[i].id);
    cr_expect_str_eq(order_of(p), profiles[i].order, "%s: %s", p->id, order_of(p));
    cr_expect_eq(p->ordered, profiles[i].order[0] != '\0', "%s", p->id);
    cr_expect_eq(p->arch, profiles[i].arch, "%s: architecture %u", p->id, p->arch);
    cr_expect_eq(p->quirks, profiles[i].quirks, "%s: quirks 0x%x", p->id, p->quirks);
    cr_expect_eq(p->flags_or_only, profiles[i].or_only, "%s: 0x%llx are only set", p->id,
                 (unsigned long long)p->flags_or_only);
    cr_expect_eq(p->flags_kept, 0, "%s: no published kernel keeps a user flag", p->id);
  }
}

// --- objects and the vocabulary ----------------------------------------------------------------

Test(rows, of_objects_say_which_rights_not_every_kernel_gives) {
  static const zx_rights_t maybe[] = {0,      0x2c000, ~(zx_rights_t)3, 0xc000,
                                      0x8000, 0xc000,  0x4080d0};
  cr_assert(VS_OBJECT_COUNT == sizeof maybe / sizeof maybe[0], "%d objects", VS_OBJECT_COUNT);
  for (size_t i = 0; i < VS_OBJECT_COUNT; i++) {
    cr_expect_eq(vs_object_types[i].maybe, maybe[i], "%s: 0x%x", vs_object_types[i].name,
                 vs_object_types[i].maybe);
  }
}

static bool is_op(const char* name, const char* symbol) {
  for (size_t i = 0; i < VS_OP_COUNT; i++) {
    const vs_op_info* op = &vs_ops[i];
    bool same = op->symbol == NULL ? symbol == NULL : symbol && strcmp(op->symbol, symbol) == 0;
    if (same && strcmp(op->name, name) == 0) return true;
  }
  return false;
}

// What scripts and traces are written in. A call may come by its row alone; none may go.
Test(rows, of_the_vocabulary_keep_their_names) {
  static const struct {
    const char* name;
    const char* symbol;
  } ops[] = {{"guest_create", "zx_guest_create"},
             {"set_trap", "zx_guest_set_trap"},
             {"vcpu_create", "zx_vcpu_create"},
             {"enter", "zx_vcpu_enter"},
             {"kick", "zx_vcpu_kick"},
             {"interrupt", "zx_vcpu_interrupt"},
             {"read_state", "zx_vcpu_read_state"},
             {"write_state", "zx_vcpu_write_state"},
             {"close", "zx_handle_close"},
             {"duplicate", "zx_handle_duplicate"},
             {"replace", "zx_handle_replace"},
             {"event_create", "zx_event_create"},
             {"port_create", "zx_port_create"},
             {"port_wait", "zx_port_wait"},
             {"port_queue", "zx_port_queue"},
             {"port_cancel", "zx_port_cancel"},
             {"vmo_create", "zx_vmo_create"},
             {"vmo_executable", "zx_vmo_replace_as_executable"},
             {"vmo_read", "zx_vmo_read"},
             {"vmo_write", "zx_vmo_write"},
             {"vmar_map", "zx_vmar_map"},
             {"vmar_unmap", "zx_vmar_unmap"},
             {"vmar_protect", "zx_vmar_protect"},
             {"guest_load", NULL},
             {"await_guest", NULL},
             {"join", NULL},
             {"thread_exit", NULL}};
  static const char* const placements[] = {
      "plain",         "misaligned",    "crossing", "edge",      "readonly",     "low",
      "null",          "one",           "unmapped", "prot_none", "beyond_eof",   "straddle",
      "straddle_head", "straddle_none", "user_end", "kernel",    "noncanonical", "wrapping"};
  cr_assert(VS_PLACEMENT_COUNT == sizeof placements / sizeof placements[0]);
  for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
    cr_expect(is_op(ops[i].name, ops[i].symbol), "%s is gone", ops[i].name);
  }
  for (size_t i = 0; i < VS_PLACEMENT_COUNT; i++) {
    cr_expect_str_eq(vs_placements[i].name, placements[i]);
  }
}

Test(rows, of_programs_are_what_the_guest_does) {
  static const struct {
    const char* name;
    vs_program_exit exit;
    uint8_t width;  // bytes
  } rows[] = {{"dump", VS_PROGRAM_EXIT_NONE, 0},    {"in8", VS_PROGRAM_EXIT_IN, 1},
              {"in16", VS_PROGRAM_EXIT_IN, 2},      {"in32", VS_PROGRAM_EXIT_IN, 4},
              {"out8", VS_PROGRAM_EXIT_OUT, 1},     {"out16", VS_PROGRAM_EXIT_OUT, 2},
              {"out32", VS_PROGRAM_EXIT_OUT, 4},    {"spin", VS_PROGRAM_EXIT_SPIN, 0},
              {"store", VS_PROGRAM_EXIT_NONE, 0},   {"stores", VS_PROGRAM_EXIT_ACCESS, 0},
              {"fetch", VS_PROGRAM_EXIT_ACCESS, 0}, {"turn", VS_PROGRAM_EXIT_TURN, 0},
              {"keep", VS_PROGRAM_EXIT_KEEP, 0},    {"take", VS_PROGRAM_EXIT_TAKE, 0},
              {"send", VS_PROGRAM_EXIT_SEND, 0},    {"code", VS_PROGRAM_EXIT_UNKNOWN, 0}};
  cr_assert(VS_PROGRAM_COUNT == sizeof rows / sizeof rows[0], "%d programs", VS_PROGRAM_COUNT);
  for (size_t i = 0; i < VS_PROGRAM_COUNT; i++) {
    cr_expect_str_eq(vs_programs[i].name, rows[i].name);
    cr_expect(vs_programs[i].exit == rows[i].exit && vs_programs[i].width == rows[i].width,
              "%s: exit %d, width %u", rows[i].name, vs_programs[i].exit, vs_programs[i].width);
  }
}
