// SPDX-License-Identifier: BSD-3-Clause
// Of libvcpuspec-kvm.so and libvcpuspec-unicorn.so: the documented calls (zircon/syscalls.h) on
// this machine, on Linux KVM and on the Unicorn emulator. Handed to zx_guest_create as the resource
// is ZX_HANDLE_INVALID. A program links one of the two.
//
// Fork: before the first call; in a child that was forked later no call can be made. Every call may
// come from any thread, but from no signal's handler; a process may end with threads inside. A
// thread that enters a vCPU leaves the real-time signals unblocked, by one of which it is kicked.
#ifndef VCPUSPEC_LIBRARY_H_
#define VCPUSPEC_LIBRARY_H_

#include <zircon/syscalls.h>

#ifdef __cplusplus
extern "C" {
#endif

// Why no call can be made here, with the remedy: then each answers ZX_ERR_NOT_SUPPORTED. NULL: they
// can. The text is the library's.
const char* vcpuspec_problem(void);

#ifdef __cplusplus
}
#endif

#endif  // VCPUSPEC_LIBRARY_H_
