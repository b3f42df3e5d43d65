vcpuspec profile 1
name zircon-x64
summary Zircon on x86-64, from about 2021 on
arch x86-64
order bad_handle wrong_type access_denied kind size buffer creator running access_size
latitudes none
quirks initial_zero in32_clears
flags_kept 0x0
flags_or_only 0x0
