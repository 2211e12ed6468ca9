# bash completion for pagearena(1). The names of options are those that --help tells.
# shellcheck shell=bash

_pagearena_options() { pagearena "$1" --help 2>/dev/null | grep -oE -- '--[a-z-]+' | sort -u; }

# Whether this option of this subcommand has a value, the next word.
_pagearena_has_value() {
    case $1:$2 in
        compare:--json | compare:--html | compare:--vs | compare:--input | compare:--warmup | compare:-n) ;;
        advise:--json | advise:--keep | top:-[dn] | stat:-d | *:--folder | *:--record) ;;
        report:--html | report:--svg | report:--png | report:-d) ;;
        run:--stats-file | *:--malloc | *:--thp | *:--preset | *:--set | *:--library) ;;
        *) return 1 ;;
    esac
}

# The values of an option; files where they have no list.
_pagearena_values() {
    case $1 in
        --malloc) compgen -W '0 1' -- "$2" ;;
        --thp) compgen -W 'auto always never' -- "$2" ;;
        --preset) compgen -W 'throughput low-memory' -- "$2" ;;
        --vs) compgen -W 'jemalloc mimalloc tcmalloc tuned-glibc' -- "$2" ;;
        *) compgen -f -- "$2" ;;
    esac
}

_pagearena() {
    local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} cmd_at=2
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(
            compgen -W 'run compare advise top stat doctor report --help --version' -- "$word"
        )
        return
    fi
    while ((cmd_at < COMP_CWORD)) && [[ ${COMP_WORDS[cmd_at]} == -?* ]]; do
        if _pagearena_has_value "$command" "${COMP_WORDS[cmd_at]}"; then ((cmd_at++)); fi
        ((cmd_at++))
        if [[ ${COMP_WORDS[cmd_at - 1]} == -- ]]; then break; fi
    done
    if ((cmd_at > COMP_CWORD)); then
        compopt -o filenames 2>/dev/null # outside of a completion it fails
        mapfile -t COMPREPLY < <(_pagearena_values "${COMP_WORDS[COMP_CWORD - 1]}" "$word")
    elif [[ $word == -* && ${COMP_WORDS[COMP_CWORD - 1]} != -- && $cmd_at -eq $COMP_CWORD ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_pagearena_options "$command")" -- "$word")
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$cmd_at"
    elif ((cmd_at == COMP_CWORD)); then
        mapfile -t COMPREPLY < <(compgen -c -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}

complete -F _pagearena pagearena
