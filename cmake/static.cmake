# SPDX-License-Identifier: BSD-3-Clause
# VS_STATIC=ALL: programs that need no other file, for an initramfs, or a machine with other
# libraries. They cannot load shared objects: conformance/runner/shared_object_none.c says so. Included before
# the compiler is looked at, which is asked what it links by itself.
string(APPEND CMAKE_EXE_LINKER_FLAGS_INIT " -static")
set(CMAKE_C_STANDARD_LIBRARIES_INIT "-lm")  # Unicorn's
set(CMAKE_CXX_STANDARD_LIBRARIES_INIT "-lm")

# Unicorn's archive emulates fifteen architectures, of which the suite uses two. The rest stays out:
# on arm64 it would not fit, its objects being made for a table of addresses (-fpic) that is full
# with less.
foreach(arch arm m68k mips mips64 mips64el mipsel ppc ppc64 riscv32 riscv64 s390 sparc sparc64
             tricore)
  foreach(function uc_init context_reg_read context_reg_write)
    string(APPEND CMAKE_EXE_LINKER_FLAGS_INIT " -Wl,--defsym=${arch}_${function}=abort")
  endforeach()
endforeach()
