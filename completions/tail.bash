
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
