#!/bin/bash -eu
# SPDX-License-Identifier: BSD-3-Clause
# What a farm runs, in the root of the source tree, with CC, CXX, CFLAGS, CXXFLAGS and
# LIB_FUZZING_ENGINE set. Leaves in $OUT, for each target of fuzz/targets: fuzz_NAME, and next to it
# its .dict, .options and _seed_corpus.zip. All that is in between goes to $WORK.

# Nothing but $OUT reaches the machines that fuzz: libunicorn, libcapstone, libjansson, libmd and zlib are linked statically.
cmake -S . -B "$WORK/build" -DCMAKE_BUILD_TYPE=None -DBUILD_TESTING=OFF -DVS_WERROR=OFF \
  -DVS_STATIC=ON -DVS_FUZZ=ON -DVS_FUZZ_ENGINE="$LIB_FUZZING_ENGINE"
# The tools that embed the cases are instrumented too, and need not free what they have.
ASAN_OPTIONS=detect_leaks=0 cmake --build "$WORK/build" --target fuzzers -j "$(nproc)"

grep -E '^[a-z]' fuzz/targets | while read -r name _ seeds; do
  cp "$WORK/build/fuzz_$name" "$OUT"
  for kind in dict options; do
    [ ! -e "fuzz/$name.$kind" ] || cp "fuzz/$name.$kind" "$OUT/fuzz_$name.$kind"
  done
  # Each seed goes by its hash: files of several folders may have one name.
  rm -rf "$WORK/seeds" "$OUT/fuzz_${name}_seed_corpus.zip"
  mkdir "$WORK/seeds"
  find "$seeds" -type f | while read -r seed; do
    cp "$seed" "$WORK/seeds/$(sha1sum < "$seed" | cut -d ' ' -f 1)"
  done
  zip -qj "$OUT/fuzz_${name}_seed_corpus.zip" "$WORK"/seeds/*
done
