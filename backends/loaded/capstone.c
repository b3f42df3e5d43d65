// SPDX-License-Identifier: BSD-3-Clause
#define VS_LOADED_PLAIN
#include "capstone.h"

VS_LOADED_LIBRARY(capstone, VS_CAPSTONE_FUNCTIONS, CS_API_MAJOR, "install Debian's libcapstone4")
