vcpuspec profile 1
name zircon-2018
summary Zircon of 2018: size bound and copy, thread, kind, size; access_size is not checked
arch any
order bad_handle wrong_type access_denied size_bound copy creator running kind no_ports size
latitudes none
quirks initial_zero
flags_kept 0x0
flags_or_only 0xf0000000
