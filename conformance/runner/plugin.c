// SPDX-License-Identifier: BSD-3-Clause
#include "plugin.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/refuse.h"
#include "shared_object.h"

#if defined(__aarch64__)
static const vs_arch host_arch = VS_ARCH_ARM64;
#else
static const vs_arch host_arch = VS_ARCH_X64;
#endif

static const char* base_name(const char* path) {
  const char* slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

// Functions come as object pointers; POSIX says that the bits are the same.
static void look_up(void* object, const char* symbol, void* function) {
  void* address = vs_object_symbol(object, symbol);
  memcpy(function, &address, sizeof address);
}

static void look_up_calls(void* object, vs_calls* calls) {
#define VS_CALL(name, word, phase, text, ...) look_up(object, "zx_" #name, &calls->name);
#include <vcpuspec/calls.def>
}

// Whatever an object calls itself, a terminal gets one printable word of it.
static void set_name(vs_plugin_backend* plugin, const char* name) {
  size_t i = 0;
  for (; name[i] != '\0' && i + 1 < sizeof plugin->name; i++) {
    bool graphic = name[i] > ' ' && name[i] < 0x7f;
    plugin->name[i] = graphic ? name[i] : '_';
  }
  plugin->name[i] = '\0';
}

static bool describe(void* object, const char* path, vs_plugin_backend* plugin, vs_why* reason) {
  const vs_plugin* says = vs_object_symbol(object, "vcpuspec_plugin");
  plugin->arch = host_arch;
  set_name(plugin, base_name(path));
  if (says == NULL) return true;
  if (says->abi == 0 || says->abi > VS_PLUGIN_ABI)
    return vs_refuse(reason,
                     "%s: vcpuspec_plugin.abi is %u, but this vcpuspec speaks 1 to %u: rebuild it",
                     path, says->abi, VS_PLUGIN_ABI);
  if (says->arch != VS_ARCH_X64 && says->arch != VS_ARCH_ARM64)
    return vs_refuse(
        reason, "%s: vcpuspec_plugin.arch is %u: it must be VS_ARCH_X64 (1) or VS_ARCH_ARM64 (2)",
        path, says->arch);
  plugin->arch = (vs_arch)says->arch;
  plugin->resource = says->resource;
  if (says->abi > 1) plugin->other_resource = says->other_resource;
  if (plugin->other_resource != ZX_HANDLE_INVALID && plugin->other_resource == plugin->resource)
    return vs_refuse(reason, "%s: vcpuspec_plugin.other_resource is 0x%x, which is .resource", path,
                     plugin->other_resource);
  if (says->name != NULL && says->name[0] != '\0') set_name(plugin, says->name);
  return true;
}

bool vs_plugin_load(const char* path, vs_plugin_backend* plugin, vs_why* reason) {
  memset(plugin, 0, sizeof *plugin);
  if (access(path, F_OK) != 0) return vs_refuse(reason, "%s: there is no such file", path);
  void* object = vs_object_load(path, reason);
  if (object == NULL) return false;
  look_up_calls(object, &plugin->calls);
  if (plugin->calls.vcpu_write_state == NULL)
    return vs_refuse(reason, "%s: exports no zx_vcpu_write_state, so there is nothing to judge",
                     path);
  return describe(object, path, plugin, reason);
}
