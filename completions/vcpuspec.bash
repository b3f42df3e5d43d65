# SPDX-License-Identifier: BSD-3-Clause
# Made by tools/make-docs; do not edit.

_vcpuspec_list() {
  "$1" list "$2" 2> /dev/null | sed -n 's/^\([^ ][^ ]*\) .*/\1/p'
}

_vcpuspec_commands() {
  printf '%s\n' run merge exec check list explain minimize format diff-profiles sweep fuzz export lint-shim lab selftest bench
}

_vcpuspec_forms() {
  printf '%s\n' json: html: md: junit: tap: sarif: badge:
}

_vcpuspec_options() {
  case $1 in
    run) echo '=--backend =--profile =--filter =--require-backend =--seed =--jobs =--timeout =--shard =--resume =--expect =--write-expect =--report' ;;
    merge) echo '=--expect =--report =--diff' ;;
    exec) echo '=--backend =--seed =--timeout =--as' ;;
    check) echo '=--profile' ;;
    list) echo '' ;;
    explain) echo '=--profile' ;;
    minimize) echo '=--backend =--profile =--seed =--timeout' ;;
    format) echo '=--seed =--expand =--arch' ;;
    diff-profiles) echo '' ;;
    sweep) echo '=--backend =--profile =--jobs =--timeout =--shard =--depth =--call =--resume' ;;
    fuzz) echo '=--backend =--profile =--seed =--jobs =--timeout =--known =--target =--seconds =--plateau =--findings =--merge =--report' ;;
    export) echo '=--profile =--seed =--arch =--format =--output' ;;
    lint-shim) echo '=--timeout' ;;
    lab) echo '=--backend =--profile =--filter =--require-backend =--seed =--jobs =--timeout =--as =--lane =--kernel =--modules =--append =--programs =--inside =--arch =--output =--expect =--write-expect =--seconds =--report' ;;
    selftest) echo '=--filter =--without =--jobs =--timeout =--report' ;;
    bench) echo '=--seconds' ;;
  esac
}

_vcpuspec_words() {
  case $1 in
    run) echo ' file' ;;
    merge) echo ' file' ;;
    exec) echo ' file cases' ;;
    check) echo ' file' ;;
    list) echo ' =clauses =calls =checks =profiles =latitudes =quirks =defects =backends =mutants =cases' ;;
    explain) echo ' clauses cases latitudes profiles mutants file file' ;;
    minimize) echo ' file file cases' ;;
    format) echo ' file' ;;
    diff-profiles) echo ' profiles profiles' ;;
    sweep) echo '' ;;
    fuzz) echo ' dir' ;;
    export) echo ' file cases' ;;
    lint-shim) echo ' file =unix: file =serial: file' ;;
    lab) echo '' ;;
    selftest) echo '' ;;
    bench) echo '' ;;
  esac
}

_vcpuspec_argument() {
  case $1 in
    --backend) echo 'backend' ;;
    --profile) echo 'profiles' ;;
    --filter) echo 'glob' ;;
    --without) echo 'cases' ;;
    --require-backend) echo 'backend' ;;
    --seed) echo 'number' ;;
    --jobs) echo 'number' ;;
    --timeout) echo 'number' ;;
    --as) echo 'number' ;;
    --lane) echo '=x64 =arm64' ;;
    --kernel) echo 'file' ;;
    --modules) echo 'dir' ;;
    --append) echo 'number' ;;
    --programs) echo 'dir' ;;
    --inside) echo 'backend' ;;
    --arch) echo '=x86-64 =arm64' ;;
    --format) echo '=json =c' ;;
    --output) echo 'file' ;;
    --shard) echo 'number' ;;
    --depth) echo '=1 =2 =3 =4 =5 =full' ;;
    --call) echo 'calls' ;;
    --resume) echo 'file' ;;
    --expect) echo 'file' ;;
    --known) echo 'file' ;;
    --write-expect) echo 'file' ;;
    --target) echo '=script =call' ;;
    --seconds) echo 'number' ;;
    --plateau) echo 'number' ;;
    --findings) echo 'number' ;;
    --report) echo 'report' ;;
  esac
}

# What can stand for one kind of word, one a line. $1: the kind; $2: what is typed so far; $3: the
# command; $4: the program.
_vcpuspec_candidates() {
  case $1 in
    '='*) printf '%s\n' "${1#=}" ;;
    file) compgen -f -- "$2" ;;
    dir) compgen -d -- "$2" ;;
    number) ;;
    report)
      case $2 in
        *:*) compgen -P "${2%%:*}:" -f -- "${2#*:}" ;;
        *) [[ $3 = fuzz ]] && echo json: || _vcpuspec_forms ;;
      esac ;;
    backend)
      case $2 in
        mutant:*) _vcpuspec_list "$4" mutants | sed 's/^/mutant:/' ;;
        plugin:* | shim:*) compgen -P "${2%%:*}:" -f -- "${2#*:}" ;;
        *) _vcpuspec_list "$4" backends | sed 's/:[A-Z].*/:/' ;;
      esac ;;
    profiles) _vcpuspec_list "$4" profiles; compgen -f -X '!*.profile' -- "$2" ;;
    glob)
      _vcpuspec_list "$4" clauses
      _vcpuspec_list "$4" cases
      _vcpuspec_list "$4" cases | sed 's/\..*/.*/' | sort -u ;;
    *) _vcpuspec_list "$4" "$1" ;;
  esac
}

_vcpuspec() {
  local line=${COMP_LINE:0:COMP_POINT} program=$1 words current option= kinds kind candidate
  # Bash takes words apart at ':' and '=': these are whole.
  read -ra words <<< "$line"
  [[ $line = *[[:blank:]] ]] && words+=('')
  current=${words[-1]}
  local count=${#words[@]} command=${words[1]-}
  COMPREPLY=()
  if ((count <= 2)); then
    kinds="=--help =--version =help $(_vcpuspec_commands | sed 's/^/=/')"
  elif [[ $command = help ]]; then
    kinds=$(_vcpuspec_commands | sed 's/^/=/')
  elif [[ $current = --*=* ]]; then
    option=${current%%=*}
    current=${current#*=}
    kinds=$(_vcpuspec_argument "$option")
  elif kinds=$(_vcpuspec_argument "${words[-2]}"); [[ -n $kinds ]]; then
    :
  elif [[ $current = -* ]]; then
    kinds="=--help $(_vcpuspec_options "$command")"
  else
    kinds=$(_vcpuspec_words "$command")
  fi
  # What bash still has of the word, after its last ':' or '='.
  local typed=$current cut=
  [[ $current = *:* && $COMP_WORDBREAKS = *:* ]] && cut=${current%"${current##*:}"}
  set -f
  for kind in $kinds; do
    while IFS= read -r candidate; do
      [[ $candidate = "$typed"* ]] && COMPREPLY+=("${candidate#"$cut"}")
    done < <(_vcpuspec_candidates "$kind" "$current" "$command" "$program")
  done
  set +f
  [[ $option && $COMP_WORDBREAKS != *=* ]] && COMPREPLY=("${COMPREPLY[@]/#/$option=}")
  if [[ ${#COMPREPLY[@]} = 1 && ($COMPREPLY = *: || -d $COMPREPLY) ]]; then
    compopt -o nospace 2> /dev/null
  fi
  [[ $kinds = *file* || $kinds = *dir* ]] && compopt -o filenames 2> /dev/null
  return 0
}

complete -F _vcpuspec vcpuspec
