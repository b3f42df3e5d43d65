// SPDX-License-Identifier: BSD-3-Clause
#include "probe.h"

#include <stdlib.h>
#include <string.h>

static void on_exception(uc_engine* uc, uint32_t number, void* data) {
  (void)number, (void)data;
  uc_emu_stop(uc);
}

// `data` says whether there was an instruction before.
static void on_code(uc_engine* uc, uint64_t address, uint32_t size, void* data) {
  bool* is_second = data;
  (void)address, (void)size;
  if (*is_second) uc_emu_stop(uc);
  *is_second = true;
}

bool vs_uc_probe_open(vs_uc_probe* p, uc_arch arch, uc_mode mode) {
  uc_hook hook;
  p->page = aligned_alloc(VS_UC_PROBE_PAGE, VS_UC_PROBE_PAGE);
  if (p->page == NULL || uc_open(arch, mode, &p->uc) != UC_ERR_OK) return false;
  memset(p->page, 0, VS_UC_PROBE_PAGE);
  p->size = uc_context_size(p->uc);
  return uc_context_alloc(p->uc, &p->before) == UC_ERR_OK &&
         uc_context_alloc(p->uc, &p->after) == UC_ERR_OK &&
         uc_ctl_exits_enable(p->uc) == UC_ERR_OK &&
         uc_hook_add(p->uc, &hook, UC_HOOK_INTR, (void*)on_exception, NULL, 1, 0) == UC_ERR_OK &&
         uc_mem_map_ptr(p->uc, 0, VS_UC_PROBE_PAGE, UC_PROT_ALL, p->page) == UC_ERR_OK;
}

void vs_uc_probe_close(vs_uc_probe* p) {
  if (p->before != NULL) uc_context_free(p->before);
  if (p->after != NULL) uc_context_free(p->after);
  if (p->uc != NULL) uc_close(p->uc);
  free(p->page);
}

bool vs_uc_probe_step(vs_uc_probe* p, uint64_t from) {
  bool is_second = false;
  uc_hook hook;
  if (uc_hook_add(p->uc, &hook, UC_HOOK_CODE, (void*)on_code, &is_second, 1, 0) != UC_ERR_OK)
    return false;
  const bool done = uc_context_save(p->uc, p->before) == UC_ERR_OK &&
                    uc_emu_start(p->uc, from, 0, 0, 0) == UC_ERR_OK &&
                    uc_context_save(p->uc, p->after) == UC_ERR_OK;
  uc_hook_del(p->uc, hook);
  return done;
}

uint32_t vs_uc_word(const uc_context* context, size_t at) {
  uint32_t value;
  memcpy(&value, (const uint8_t*)context + at, sizeof value);
  return value;
}

long vs_uc_probe_only(const vs_uc_probe* p, uint32_t mask, uint32_t from, uint32_t to) {
  long at = VS_UC_NOWHERE;
  for (size_t i = 0; i + VS_UC_WORD <= p->size; i += VS_UC_WORD) {
    const uint32_t was = vs_uc_word(p->before, i), is = vs_uc_word(p->after, i);
    if ((was & mask) != from || (is & mask) != to || (was & ~mask) != (is & ~mask)) continue;
    if (mask != UINT32_MAX && was == from) continue;  // nothing but these bits
    if (at != VS_UC_NOWHERE) return VS_UC_NOWHERE;
    at = (long)i;
  }
  return at;
}

uint8_t* vs_uc_save(uc_engine* uc, uc_context** context) {
  if (uc_context_alloc(uc, context) != UC_ERR_OK) return NULL;
  if (uc_context_save(uc, *context) == UC_ERR_OK) return (uint8_t*)*context;
  uc_context_free(*context);
  return NULL;
}

bool vs_uc_restore(uc_engine* uc, uc_context* context, bool changed) {
  const bool done = !changed || uc_context_restore(uc, context) == UC_ERR_OK;
  uc_context_free(context);
  return done;
}
