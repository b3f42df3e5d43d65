
# Adds what can stand for one kind of word. $1: the kind; $2: the command; $3: the program.
_vcpuspec_add() {
  case $1 in
    '='*:) compadd -S '' -- "${1#=}" ;;
    '='*) compadd -- "${1#=}" ;;
    file) _files ;;
    dir) _files -/ ;;
    number) ;;
    report)
      if compset -P '*:'; then
        _files
      elif [[ $2 = fuzz ]]; then
        compadd -S '' -- json:
      else
        compadd -S '' -- ${(f)"$(_vcpuspec_forms)"}
      fi ;;
    backend)
      local -a names
      if compset -P 'mutant:'; then
        compadd -- ${(f)"$(_vcpuspec_list "$3" mutants)"}
      elif compset -P '(plugin|shim):'; then
        _files
      else
        names=(${(f)"$(_vcpuspec_list "$3" backends | sed 's/:[A-Z].*/:/')"})
        compadd -- ${names:#*:}
        compadd -S '' -- ${(M)names:#*:}
      fi ;;
    profiles) compadd -- ${(f)"$(_vcpuspec_list "$3" profiles)"}; _files -g '*.profile' ;;
    glob)
      compadd -- ${(f)"$(_vcpuspec_list "$3" clauses)"} ${(f)"$(_vcpuspec_list "$3" cases)"}
      compadd -Q -- ${(f)"$(_vcpuspec_list "$3" cases | sed "s/\..*/.'*'/" | sort -u)"} ;;
    *) compadd -- ${(f)"$(_vcpuspec_list "$3" "$1")"} ;;
  esac
}

_vcpuspec() {
  local command=${words[2]-} program=${(Q)words[1]} kinds= kind
  if (( CURRENT == 2 )); then
    kinds="=--help =--version =help $(_vcpuspec_commands | sed 's/^/=/')"
  elif [[ $command = help ]]; then
    kinds=$(_vcpuspec_commands | sed 's/^/=/')
  elif compset -P '--*='; then
    kinds=$(_vcpuspec_argument "${IPREFIX%=}")
  elif kinds=$(_vcpuspec_argument "${words[CURRENT-1]}"); [[ -n $kinds ]]; then
    :
  elif [[ $PREFIX = -* ]]; then
    kinds="=--help $(_vcpuspec_options "$command")"
  else
    kinds=$(_vcpuspec_words "$command")
  fi
  for kind in ${=kinds}; do _vcpuspec_add "$kind" "$command" "$program"; done
}

# Read by the first Tab, or sourced.
if [[ ${funcstack[1]-} = _vcpuspec ]]; then
  _vcpuspec "$@"
else
  compdef _vcpuspec vcpuspec
fi
