vcpuspec profile 1
# Each key, on a base.
name mine
summary our kernel, spring

base zircon-x64
arch any
order bad_handle wrong_type access_denied kind size null_pointer alignment kernel_fault creator running
latitudes flags_gate io_upper_zeroed
quirks all
flags_kept 0x40
flags_or_only 0x80000000
