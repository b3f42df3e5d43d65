#!/bin/bash -eu
# SPDX-License-Identifier: BSD-3-Clause
exec bash -eu fuzz/oss-fuzz/build.sh
