# SPDX-License-Identifier: BSD-3-Clause
# Made by tools/make-docs; do not edit.

_vcpuspec_list() {
  "$1" list "$2" 2> /dev/null | sed -n 's/^\([^ ][^ ]*\) .*/\1/p'
}

_vcpuspec_commands() {
  printf '%s\n' run merge exec check list explain minimize format diff-profiles sweep fuzz export lint-shim bench
}

_vcpuspec_forms() {
  printf '%s\n' json: html: md: junit: tap: sarif: badge:
}

_vcpuspec_options() {
  case $1 in
    run) echo '=--backend =--profile =--filter =--require-backend =--seed =--jobs =--timeout =--shard =--resume =--expect =--write-expect =--report' ;;
    merge) echo '=--expect =--report =--diff' ;;
    exec) echo '=--backend =--seed =--timeout' ;;
    check) echo '=--profile' ;;
    list) echo '' ;;
    explain) echo '=--profile' ;;
    minimize) echo '=--backend =--profile =--seed =--timeout' ;;
    format) echo '=--seed =--expand =--arch' ;;
    diff-profiles) echo '' ;;
    sweep) echo '=--backend =--profile =--jobs =--timeout =--shard =--depth =--resume' ;;
    fuzz) echo '=--backend =--profile =--seed =--jobs =--timeout =--target =--seconds =--plateau =--findings =--merge =--report' ;;
    export) echo '=--profile =--seed =--arch =--format =--output' ;;
    lint-shim) echo '=--timeout' ;;
    bench) echo '=--seconds' ;;
  esac
}

_vcpuspec_words() {
  case $1 in
    run) echo ' file' ;;
    merge) echo ' file' ;;
    exec) echo ' file cases' ;;
    check) echo ' file' ;;
    list) echo ' =clauses =checks =profiles =latitudes =quirks =defects =backends =mutants =cases' ;;
    explain) echo ' clauses cases latitudes profiles mutants file file' ;;
    minimize) echo ' file file cases' ;;
    format) echo ' file' ;;
    diff-profiles) echo ' profiles profiles' ;;
    sweep) echo '' ;;
    fuzz) echo ' dir' ;;
    export) echo ' file cases' ;;
    lint-shim) echo ' file =unix