// SPDX-License-Identifier: BSD-3-Clause
// The pages that are mapped, for shim.c, and what changed on them.
#ifndef VCPUSPEC_SHIMS_C_MEMORY_H_
#define VCPUSPEC_SHIMS_C_MEMORY_H_

#include "platform.h"
#include "text.h"

enum { PAGES = 64 };

typedef struct page {
  uint64_t at;
  uint64_t known[PAGE / 8];  // what the other side knows to be there
  unsigned owner;            // the number, and one, of the thread that mapped it; 0: no page
  bool readonly;
} page;

static page pages[PAGES];

static page* page_at(uint64_t at) {
  for (page* p = pages; p < pages + PAGES; p++) {
    if (p->owner != 0 && p->at == at - at % PAGE) return p;
  }
  return NULL;
}

// A page that is not there yet, of zeros. NULL: it cannot be had.
static page* new_page(uint64_t at) {
  page* p = pages;
  while (p < pages + PAGES && p->owner != 0) p++;
  if (p == pages + PAGES || !platform_map(at - at % PAGE)) return NULL;
  p->at = at - at % PAGE;
  p->readonly = false;
  return p;
}

// Puts bytes there, as `map` says. Threads look for their own pages meanwhile.
static bool map(unsigned owner, uint64_t at, const uint8_t* bytes, size_t size, bool readonly) {
  size_t part = size < PAGE - at % PAGE ? size : PAGE - at % PAGE;
  page* p = page_at(at);
  if (p == NULL && (p = new_page(at)) == NULL) return false;
  if (p->readonly) platform_protect(p->at, true);
  __builtin_memcpy((void*)(uintptr_t)at, bytes, part);
  __builtin_memcpy(p->known, (const void*)(uintptr_t)p->at, PAGE);
  if (readonly) platform_protect(p->at, false);
  p->readonly = readonly;
  __atomic_store_n(&p->owner, owner, __ATOMIC_RELEASE);
  return size == part || map(owner, at + part, bytes + part, size - part, readonly);
}

static void unmap(page* p) {
  if (p->owner != 0) platform_unmap(p->at);
  __atomic_store_n(&p->owner, 0, __ATOMIC_RELEASE);
}

// What was written to the end of the page before `at`, and is not to be told.
static void learn(uint64_t at, const uint8_t* bytes, size_t size) {
  page* p = page_at(at - 1);
  if (p != NULL) __builtin_memcpy((uint8_t*)p->known + PAGE - size, bytes, size);
}

// Says what changed on the page. What does not fit on this line is told by the next one.
static void add_changes(answer* a, page* p) {
  const uint64_t* now = (const void*)(uintptr_t)p->at;
  size_t i = 0;
  size_t end = PAGE / 8;
  while (i < end && now[i] == p->known[i]) i++;
  while (i < end && now[end - 1] == p->known[end - 1]) end--;
  if (i == end || a->length + 24 + (end - i) * 16 > LINE - SUM) return;
  add_number(a, " 0x", p->at + i * 8, 16, 1);
  add(a, "=");
  add_bytes(a, (const uint8_t*)(now + i), (end - i) * 8);
  for (; i < end; i++) p->known[i] = now[i];
}

// Says what changed on the pages that the thread has mapped.
static void add_changes_of(answer* a, unsigned thread) {
  for (page* p = pages; p < pages + PAGES; p++) {
    if (__atomic_load_n(&p->owner, __ATOMIC_ACQUIRE) == thread + 1) add_changes(a, p);
  }
}

#endif  // VCPUSPEC_SHIMS_C_MEMORY_H_
