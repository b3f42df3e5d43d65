// SPDX-License-Identifier: BSD-3-Clause
#define VS_LOADED_PLAIN
#include "unicorn.h"

VS_LOADED_LIBRARY(unicorn, VS_UNICORN_FUNCTIONS, UC_API_MAJOR, "install Debian's libunicorn2")
