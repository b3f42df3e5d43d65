vcpuspec profile 1
name documented
summary the reference page alone; its choices are named latitudes
arch any
order any
latitudes wrong_thread_io_invalid_args flags_gate flags_nt_ac_id_ignored io_access_size_other io_upper_zeroed io_without_ports
quirks none
flags_kept 0x0
flags_or_only 0x0
