// SPDX-License-Identifier: BSD-3-Clause
// What a backend is: the documented calls as a struct of function pointers, and a few words about
// itself. Whoever has an implementation needs this header only for the optional plugin symbol.
#ifndef VCPUSPEC_BACKEND_H_
#define VCPUSPEC_BACKEND_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpuspec/why.h>
#include <zircon/syscalls.h>

// The architecture of the vCPUs that a backend makes: it decides the layout of ZX_VCPU_STATE.
typedef enum vs_arch {
  VS_ARCH_X64 = 1,    // zx_vcpu_state_x64_t, 136 bytes
  VS_ARCH_ARM64 = 2,  // zx_vcpu_state_arm64_t, 264 bytes
} vs_arch;

// The documented calls, with exactly the documented prototypes. NULL: the backend does not have the
// call, and what needs it is reported as unsupported. The least that can be judged: guest_create,
// vcpu_create, vcpu_write_state, handle_close.
typedef struct vs_calls {
#define VS_CALL(name, word, phase, text, ...) zx_status_t (*name)(VS_EACH(VS_DECLARE, __VA_ARGS__));
#include <vcpuspec/calls.def>
} vs_calls;

// A range of the caller's memory around a pointer of a call. A call sees it, and no other page
// near.
typedef struct vs_region {
  void* address;  // of the first byte; what can be read begins here, or at this page's start
  size_t length;  // bytes, at least 1, that hold something
  size_t pages;   // that are there from the address's own page on; what else they hold says nothing
  bool writable;
  // What another thread writes over the region, offset 0 being its address, while the call runs;
  // NULL: nothing. What is HELD ends at a page's end.
  const struct vs_rewrite* rewrite;
} vs_region;

// One row of the table of built-in backends. The documented prototypes leave no room for a context,
// so a backend's state belongs to the process; a process opens a backend once at a time.
typedef struct vs_backend {
  const char* name;     // as typed after --backend
  const char* summary;  // one sentence, for `vcpuspec list backends`
  vs_arch arch;
  zx_handle_t resource;  // what to hand to zx_guest_create
  // What it has to refuse: a handle to a resource of another kind than ZX_RSRC_KIND_SYSTEM (and not
  // of ZX_RSRC_KIND_ROOT, which published kernels took for any). ZX_HANDLE_INVALID: none is
  // offered, and what needs one is reported as unsupported.
  zx_handle_t other_resource;
  const vs_calls* calls;  // valid between open and close
  // NULL, or loads the libraries that open needs, so that no child has to: called before any fork.
  // False: as of open, which loads by itself what is not loaded.
  bool (*load)(vs_why* reason);
  // Makes the backend usable in this process. False: this machine cannot run it, and `reason` says
  // the cause and the remedy. Called after any fork: a backend may hold resources that a child must
  // not inherit.
  bool (*open)(vs_why* reason);
  // Gives back whatever open took, and every object still alive.
  void (*close)(void);
  // NULL, or of a backend whose implementation does not share this process's memory: told, on the
  // thread that is about to make a call, what of the caller's memory the call can reach. Valid for
  // that call. False: a region is rewritten in a way that the implementation's side cannot do, and
  // the call is not made.
  bool (*reach)(const vs_region* regions, size_t count);
  // Of such a backend: true if this thread's last call had its region rewritten.
  bool (*held)(void);
} vs_backend;

// The optional symbol `vcpuspec_plugin` of a shared object:
//   const vs_plugin vcpuspec_plugin = {VS_PLUGIN_ABI, VS_ARCH_X64, "mine", 0, 0};
// Without it the host's architecture and ZX_HANDLE_INVALID are used, and the file's name. An object
// of ABI 1, whose vs_plugin ends with `resource`, is taken too.
#define VS_PLUGIN_ABI 2u
#ifdef __cplusplus
extern "C" {
#endif
typedef struct vs_plugin {
  uint32_t abi;                // VS_PLUGIN_ABI; another number is refused with a message
  uint32_t arch;               // vs_arch
  const char* name;            // one printable word, shown in reports; NULL: the file's name
  zx_handle_t resource;        // handed to zx_guest_create
  zx_handle_t other_resource;  // as in vs_backend
} vs_plugin;
extern const vs_plugin vcpuspec_plugin;
#ifdef __cplusplus
}
#endif

#endif  // VCPUSPEC_BACKEND_H_
