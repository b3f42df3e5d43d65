vcpuspec profile 1
name zcore
summary zCore of 2022: rights before type, thread before arguments, aligned buffers
arch x86-64
order bad_handle access_denied wrong_type creator running kind size null_pointer alignment kernel_fault access_size
latitudes none
quirks initial_zero
flags_kept 0x0
flags_or_only 0x0
