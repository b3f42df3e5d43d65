// SPDX-License-Identifier: BSD-3-Clause
// A small virtual machine monitor over Zircon's calls, on Linux: a guest prints a line through a
// trapped port, waits for an interrupt, and says so through a trap on memory. x86-64 guests.
#include <vcpuspec/library.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

constexpr uint64_t kMemory = 0x200000, kEntry = 0x8000, kStack = 0x7000, kIdt = 0x9000, kGdt = 0xa000;
constexpr uint64_t kDoor = 0x100000;  // where a store ends the machine
constexpr uint16_t kConsole = 0x3f8;
constexpr uint8_t kVector = 40;

// lidt and lgdt of what stands at 0x9ff0 and 0xaff0; a line through the port; sti; hlt; jmp to hlt.
// The handler, at 0x8080: movb $1, kDoor; iretq.
const std::vector<uint8_t> kCode = {
    0x0f, 0x01, 0x1c, 0x25, 0xf0, 0x9f, 0x00, 0x00,  // lidt 0x9ff0
    0x0f, 0x01, 0x14, 0x25, 0xf0, 0xaf, 0x00, 0x00,  // lgdt 0xaff0
    0xbe, 0x00, 0xb0, 0x00, 0x00,                    // mov $0xb000, %esi
    0x66, 0xba, 0xf8, 0x03,                          // mov $kConsole, %dx
    0xac,                                            // 1: lods (%rsi), %al
    0x84, 0xc0,                                      // test %al, %al
    0x74, 0x03,                                      // jz 2f
    0xee,                                            // out %al, %dx
    0xeb, 0xf8,                                      // jmp 1b
    0xfb,                                            // 2: sti
    0xf4,                                            // hlt
    0xeb, 0xfd,                                      // jmp back to hlt
};
const std::vector<uint8_t> kHandler = {
    0xc6, 0x04, 0x25, 0x00, 0x00, 0x10, 0x00, 0x01,  // movb $1, kDoor
    0x48, 0xcf,                                      // iretq
};

void check(zx_status_t status, const char* what) {
  if (status == ZX_OK) return;
  std::fprintf(stderr, "vmm: %s: status %d\n", what, status);
  std::exit(1);
}

void put(zx_handle_t vmo, uint64_t at, const void* bytes, size_t size) {
  check(zx_vmo_write(vmo, bytes, at, size), "zx_vmo_write");
}

// Two MiB that are mapped to themselves; a GDT with 64-bit code at 8; one gate of the IDT.
void load(zx_handle_t vmo) {
  const uint64_t pml4 = 0x1007, pdpt = 0x2007, large = 0x87, code = 0x00af9b000000ffff;
  const uint64_t gate[2] = {(kEntry + 0x80) | 8u << 16 | UINT64_C(0x8e00) << 32, 0};
  const uint8_t idtr[10] = {0xff, 0x0f, kIdt & 0xff, kIdt >> 8}, gdtr[10] = {0x0f, 0, kGdt & 0xff, kGdt >> 8};
  const char line[] = "hello from a guest\n";
  put(vmo, 0, &pml4, 8);
  put(vmo, 0x1000, &pdpt, 8);
  put(vmo, 0x2000, &large, 8);
  put(vmo, kGdt + 8, &code, 8);
  put(vmo, kIdt + kVector * 16u, gate, sizeof gate);
  put(vmo, 0x9ff0, idtr, sizeof idtr);
  put(vmo, 0xaff0, gdtr, sizeof gdtr);
  put(vmo, 0xb000, line, sizeof line);
  put(vmo, kEntry, kCode.data(), kCode.size());
  put(vmo, kEntry + 0x80, kHandler.data(), kHandler.size());
}

}  // namespace

int main() {
  if (const char* problem = vcpuspec_problem()) return std::fprintf(stderr, "vmm: %s\n", problem), 77;
  zx_handle_t guest, vmar, vmo, vcpu;
  zx_vaddr_t mapped;
  check(zx_guest_create(ZX_HANDLE_INVALID, 0, &guest, &vmar), "zx_guest_create");
  check(zx_vmo_create(kMemory, 0, &vmo), "zx_vmo_create");
  load(vmo);
  check(zx_vmar_map(vmar, ZX_VM_SPECIFIC | ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE, 0, vmo, 0,
                    kMemory, &mapped), "zx_vmar_map");
  check(zx_guest_set_trap(guest, ZX_GUEST_TRAP_IO, kConsole, 1, ZX_HANDLE_INVALID, 1), "the console's trap");
  check(zx_guest_set_trap(guest, ZX_GUEST_TRAP_MEM, kDoor, 4096, ZX_HANDLE_INVALID, 2), "the door's trap");
  check(zx_vcpu_create(guest, 0, kEntry, &vcpu), "zx_vcpu_create");
  zx_vcpu_state_t state = {};
  state.rsp = kStack;
  check(zx_vcpu_write_state(vcpu, ZX_VCPU_STATE, &state, sizeof state), "zx_vcpu_write_state");
  for (;;) {
    zx_port_packet_t packet;
    check(zx_vcpu_enter(vcpu, &packet), "zx_vcpu_enter");
    if (packet.key == 1) {
      std::putchar(packet.guest_io.data[0]);
      if (packet.guest_io.data[0] == '\n') check(zx_vcpu_interrupt(vcpu, kVector), "zx_vcpu_interrupt");
    } else {
      std::printf("its handler stored to 0x%llx, by an instruction of %u bytes\n",
                  static_cast<unsigned long long>(packet.guest_mem.addr), packet.guest_mem.instruction_size);
      return 0;
    }
  }
}
