// SPDX-License-Identifier: BSD-3-Clause
#include "memory.h"

#include <stdlib.h>
#include <string.h>

// Equal bytes between two differences that are sent rather than said around; a power of two.
enum { PAGE = VS_SHADOW_PAGE, CLOSE = 16 };

static uint64_t page_of(uint64_t address) {
  return address & ~(uint64_t)(PAGE - 1);
}

static uint64_t start_of(const vs_region* r) {
  return (uint64_t)(uintptr_t)r->address;
}

static uint64_t first_page(const vs_region* r) {
  return page_of(start_of(r));
}

static uint64_t last_page(const vs_region* r) {
  uint64_t touched = page_of(start_of(r) + r->length - 1);
  uint64_t there = first_page(r) + r->pages * PAGE;
  return there > touched + PAGE ? there - PAGE : touched;
}

// --- pages ------------------------------------------------------------------------------------

static vs_shadow_page** bucket_of(vs_shadow* s, uint64_t address) {
  return &s->buckets[address / PAGE % VS_SHADOW_BUCKETS];
}

static vs_shadow_page* find(vs_shadow* s, uint64_t address) {
  vs_shadow_page* page = *bucket_of(s, address);
  while (page != NULL && page->address != address) page = page->next;
  return page;
}

static vs_shadow_page* add(vs_shadow* s, uint64_t address, uint64_t there) {
  vs_shadow_page* page = calloc(1, sizeof *page);
  if (page == NULL) return NULL;
  page->address = address;
  page->there = there;
  page->from = PAGE;
  page->next = *bucket_of(s, address);
  *bucket_of(s, address) = page;
  return page;
}

static void drop(vs_shadow* s, uint64_t address) {
  vs_shadow_page** link = bucket_of(s, address);
  while (*link != NULL && (*link)->address != address) link = &(*link)->next;
  if (*link == NULL) return;
  vs_shadow_page* page = *link;
  *link = page->next;
  s->unmap(page->there);
  free(page);
}

void vs_shadow_clear(vs_shadow* s) {
  for (size_t i = 0; i < VS_SHADOW_BUCKETS; i++) {
    while (s->buckets[i] != NULL) {
      vs_shadow_page* page = s->buckets[i];
      s->buckets[i] = page->next;
      free(page);
    }
  }
  memset(s->spans, 0, sizeof s->spans);
}

// --- an arena ---------------------------------------------------------------------------------

static const vs_shadow_span* span_with(const vs_shadow* s, uint64_t address) {
  for (size_t i = 0; i < VS_SHADOW_SPANS; i++) {
    const vs_shadow_span* span = &s->spans[i];
    if (address >= span->address && address - span->address < span->size) return span;
  }
  return NULL;
}

static uint64_t there_of(const vs_shadow* s, uint64_t address) {
  const vs_shadow_span* span = s->arena_size > 0 ? span_with(s, address) : NULL;
  return span != NULL ? address - span->address + span->there : address;
}

static vs_shadow_page* find_there(vs_shadow* s, uint64_t there) {
  if (s->arena_size == 0) return find(s, there);
  for (size_t i = 0; i < VS_SHADOW_SPANS; i++) {
    const vs_shadow_span* span = &s->spans[i];
    bool within = there >= span->there && there - span->there < span->size;
    if (within) return find(s, there - span->there + span->address);
  }
  return NULL;
}

static void drop_span(vs_shadow* s, vs_shadow_span* span) {
  for (uint64_t at = 0; at < span->size; at += PAGE) drop(s, span->address + at);
  *span = (vs_shadow_span){0};
}

// True if the pages, and the one before and after, meet no span.
static bool is_free(const vs_shadow* s, uint64_t there, uint64_t size) {
  if (there - s->arena < PAGE || there + size + PAGE > s->arena + s->arena_size) return false;
  for (size_t i = 0; i < VS_SHADOW_SPANS; i++) {
    const vs_shadow_span* span = &s->spans[i];
    if (span->size > 0 && there < span->there + span->size + PAGE &&
        span->there < there + size + PAGE)
      return false;
  }
  return true;
}

static bool place_span(vs_shadow* s, uint64_t address, uint64_t size) {
  vs_shadow_span* free_one = NULL;
  for (size_t i = 0; i < VS_SHADOW_SPANS && free_one == NULL; i++) {
    if (s->spans[i].size == 0) free_one = &s->spans[i];
  }
  if (free_one == NULL) return false;
  // An address that is possible as it is stays as it is.
  bool stays =
      address > s->arena && address - s->arena < s->arena_size && is_free(s, address, size);
  uint64_t there = stays ? address : s->arena + PAGE;
  while (there - s->arena < s->arena_size && !is_free(s, there, size)) there += PAGE;
  if (there - s->arena >= s->arena_size) return false;
  *free_one = (vs_shadow_span){address, there, size};
  return true;
}

static bool touches(const vs_region* regions, size_t count, uint64_t address, uint64_t size) {
  for (size_t i = 0; i < count; i++) {
    const vs_region* r = &regions[i];
    if (first_page(r) < address + size && last_page(r) >= address) return true;
  }
  return false;
}

// No call that is under way needs these pages.
static void drop_idle_spans(vs_shadow* s, const vs_region* regions, size_t count) {
  for (size_t i = 0; i < VS_SHADOW_SPANS; i++) {
    vs_shadow_span* span = &s->spans[i];
    bool needed = span->size == 0 || touches(regions, count, span->address, span->size) ||
                  s->is_in_use(span->address, span->size);
    if (!needed) drop_span(s, span);
  }
}

// Grows what is around a region's pages by whatever touches it, and by spans beside it, which are
// then placed anew.
static void gather(vs_shadow* s, const vs_region* regions, size_t count, uint64_t* first,
                   uint64_t* end) {
  for (bool grown = true; grown;) {
    grown = false;
    for (size_t i = 0; i < count; i++) {
      const vs_region* r = &regions[i];
      bool beside = first_page(r) <= *end && last_page(r) + PAGE >= *first;
      if (!beside || (first_page(r) >= *first && last_page(r) + PAGE <= *end)) continue;
      if (first_page(r) < *first) *first = first_page(r);
      if (last_page(r) + PAGE > *end) *end = last_page(r) + PAGE;
      grown = true;
    }
    for (size_t i = 0; i < VS_SHADOW_SPANS; i++) {
      vs_shadow_span* span = &s->spans[i];
      bool beside = span->size > 0 && span->address <= *end && span->address + span->size >= *first;
      if (!beside || s->is_in_use(span->address, span->size)) continue;
      if (span->address < *first) *first = span->address;
      if (span->address + span->size > *end) *end = span->address + span->size;
      drop_span(s, span);
      grown = true;
    }
  }
}

static bool place(vs_shadow* s, const vs_region* regions, size_t count) {
  for (size_t i = 0; i < count && s->arena_size > 0; i++) {
    uint64_t first = first_page(&regions[i]);
    uint64_t end = last_page(&regions[i]) + PAGE;
    const vs_shadow_span* span = span_with(s, first);
    if (span != NULL && end <= span->address + span->size) continue;
    gather(s, regions, count, &first, &end);
    if (place_span(s, first, end - first)) continue;
    drop_idle_spans(s, regions, count);
    if (!place_span(s, first, end - first)) return false;
  }
  return true;
}

uint64_t vs_shadow_pointer(const vs_shadow* s, const vs_region* regions, size_t count,
                           uint64_t pointer) {
  for (size_t i = 0; i < count && s->arena_size > 0; i++) {
    uint64_t first = first_page(&regions[i]);
    uint64_t around = last_page(&regions[i]) - first + 3 * PAGE;
    if (pointer - (first - PAGE) >= around) continue;
    return pointer - first + there_of(s, first);
  }
  return pointer;
}

// --- what is said -----------------------------------------------------------------------------

static bool is_same(const uint8_t* a, const uint8_t* b, size_t count) {
  return memcmp(a, b, count) == 0;
}

// Says where `now` differs from what the page holds from `at` on. True if it does.
static bool tell_difference(vs_shadow* s, vs_shadow_page* page, size_t at, const uint8_t* now,
                            size_t count) {
  bool told = false;
  uint8_t* was = page->bytes + at;
  for (size_t i = 0; i < count;) {
    size_t step = count - i < CLOSE ? count - i : CLOSE;
    if (is_same(was + i, now + i, step)) {
      i += step;
      continue;
    }
    size_t from = i;
    while (was[from] == now[from]) from++;
    size_t to = from;
    for (size_t equal = 0; i < count && equal < CLOSE; i++) {
      equal = was[i] == now[i] && i >= from ? equal + 1 : 0;
      if (equal == 0 && i >= from) to = i + 1;
    }
    memcpy(was + from, now + from, to - from);
    s->map(page->there + at + from, now + from, to - from, page->read_only);
    told = true;
  }
  return told;
}

// What the regions hold of the page; the rest of it is zeros.
static void draw(uint8_t image[PAGE], uint64_t address, const vs_region* regions, size_t count,
                 size_t* from, size_t* to) {
  memset(image, 0, PAGE);
  *from = PAGE;
  *to = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t start = start_of(&regions[i]);
    uint64_t end = start + regions[i].length;
    if (start >= address + PAGE || end <= address) continue;
    uint64_t low = start > address ? start : address;
    uint64_t high = end < address + PAGE ? end : address + PAGE;
    memcpy(image + (low - address), (const uint8_t*)regions[i].address + (low - start), high - low);
    if (low - address < *from) *from = low - address;
    if (high - address > *to) *to = high - address;
  }
}

static bool can_be_written(const vs_region* regions, size_t count, uint64_t page) {
  for (size_t i = 0; i < count; i++) {
    const vs_region* r = &regions[i];
    if (r->writable && first_page(r) <= page && last_page(r) >= page) return true;
  }
  return false;
}

static bool tell_page(vs_shadow* s, uint64_t address, const vs_region* regions, size_t count) {
  uint8_t image[PAGE];
  size_t from;
  size_t to;
  vs_shadow_page* page = find(s, address);
  bool read_only = !can_be_written(regions, count, address);
  bool anew = page == NULL || page->read_only != read_only;
  if (page == NULL) page = add(s, address, there_of(s, address));
  if (page == NULL) return false;
  page->read_only = read_only;
  draw(image, address, regions, count, &from, &to);
  size_t low = page->from < from ? page->from : from;
  size_t high = page->to > to ? page->to : to;
  bool told = low < high && tell_difference(s, page, low, image + low, high - low);
  size_t first = from < PAGE ? from : 0;
  if (anew && !told) s->map(page->there + first, image + first, 1, read_only);
  page->from = from;
  page->to = to;
  return true;
}

// The pages beside the regions are not there, unless they are of a call that has not returned.
static void drop_neighbour(vs_shadow* s, uint64_t address, const vs_region* regions, size_t count) {
  if (find(s, address) == NULL || touches(regions, count, address, PAGE)) return;
  if (!s->is_in_use(address, PAGE)) drop(s, address);
}

bool vs_shadow_tell(vs_shadow* s, const vs_region* regions, size_t count) {
  if (!place(s, regions, count)) return false;
  for (size_t i = 0; i < count; i++) {
    uint64_t last = last_page(&regions[i]);
    drop_neighbour(s, first_page(&regions[i]) - PAGE, regions, count);
    drop_neighbour(s, last + PAGE, regions, count);
    for (uint64_t page = first_page(&regions[i]); page <= last; page += PAGE) {
      if (touches(regions, i, page, PAGE)) continue;
      if (!tell_page(s, page, regions, count)) return false;
    }
  }
  return true;
}

// --- what comes back --------------------------------------------------------------------------

static bool write_back(const vs_region* regions, size_t count, uint64_t address, uint8_t byte) {
  bool written = false;
  for (size_t i = 0; i < count; i++) {
    uint64_t at = address - start_of(&regions[i]);
    if (!regions[i].writable || at >= regions[i].length) continue;
    ((uint8_t*)regions[i].address)[at] = byte;
    written = true;
  }
  return written;
}

// All of it is in one region, as it mostly is.
static bool write_back_all(const vs_region* regions, size_t count, uint64_t address,
                           const uint8_t* bytes, size_t size) {
  const vs_region* only = NULL;
  for (size_t i = 0; i < count; i++) {
    uint64_t at = address - start_of(&regions[i]);
    if (at >= regions[i].length && start_of(&regions[i]) - address >= size) continue;
    if (only != NULL || at >= regions[i].length || size > regions[i].length - at) return false;
    only = &regions[i];
  }
  if (only == NULL || !only->writable) return false;
  memcpy((uint8_t*)only->address + (address - start_of(only)), bytes, size);
  return true;
}

const char* vs_shadow_take(vs_shadow* s, const vs_region* regions, size_t count, uint64_t there,
                           const uint8_t* bytes, size_t size) {
  vs_shadow_page* page = find_there(s, page_of(there));
  if (page == NULL) return "nothing is mapped there";
  if (page->read_only) return "what is mapped there cannot be written";
  size_t at = there % PAGE;
  uint64_t address = page->address + at;
  if (!write_back_all(regions, count, address, bytes, size)) {
    for (size_t i = 0; i < size; i++) {
      // What else a region's pages hold is of no interest here either.
      bool same = page->bytes[at + i] == bytes[i] || touches(regions, count, page->address, PAGE);
      if (!write_back(regions, count, address + i, bytes[i]) && !same)
        return "that is no memory of this call's, and it changed";
    }
  }
  memcpy(page->bytes + at, bytes, size);
  return NULL;
}

void vs_shadow_rewrite(vs_shadow* s, uint64_t address, const uint8_t* bytes, size_t size) {
  vs_shadow_page* page = find(s, page_of(address - size));
  if (page != NULL) memcpy(page->bytes + (address - size) % PAGE, bytes, size);
}
