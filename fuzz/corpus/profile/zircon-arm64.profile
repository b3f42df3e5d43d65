vcpuspec profile 1
name zircon-arm64
summary Zircon on arm64, 2023 and 2026: no ZX_VCPU_IO, flags are only set
arch arm64
order bad_handle wrong_type access_denied kind size buffer no_ports creator running
latitudes none
quirks initial_zero
flags_kept 0x0
flags_or_only 0xf0000000
