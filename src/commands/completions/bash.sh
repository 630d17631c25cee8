# Completions of trendfetch for bash, from `trendfetch completions bash`.

# Sets what a command ("" is a run) offers for an option or for the word at a position: kind, and the words.
__trendfetch_values() {
    kind= words=()
    case "$1 $2" in
@VALUES@
    esac
}

__trendfetch_options() {
    case $1 in
@OPTIONS@
    esac
}

# Offers those of the words that begin with what was typed, in any case, after a prefix that stays.
__trendfetch_reply() {
    local prefix=$1 typed=$2 quote= word restore
    [[ $typed == [\'\"]* ]] && quote=${typed:0:1} typed=${typed:1}
    [[ $kind == list && $typed == *,* ]] && prefix+=${typed%,*}, typed=${typed##*,}
    [[ $quote ]] || typed=${typed//\\/}
    restore=$(shopt -p nocasematch)
    shopt -s nocasematch
    for word in "${words[@]}"; do
        [[ $word == "$typed"* ]] || continue
        # Within quotes, Bash inserts the word as it is.
        [[ $quote ]] || printf -v word %q "$word"
        COMPREPLY+=("$prefix$word")
    done
    $restore
}

# Leaves paths to Bash (`default` or `dirnames`), unless they follow a prefix in the same word.
__trendfetch_paths() {
    local prefix=$1 typed=$2 option=$3 IFS=$'\n'
    [[ -z $prefix ]] && compopt -o "$option" 2>/dev/null && return
    COMPREPLY=($(compgen -P "$prefix" -A "$4" -- "$typed"))
    compopt -o filenames 2>/dev/null
}

_trendfetch() {
    local word blank line=() rest=${COMP_LINE:0:COMP_POINT}
    # Bash splits words at = and :, which are part of them here.
    for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
        blank=${rest%%[![:blank:]]*} rest=${rest#"$blank"}
        # The cursor may be inside of the last word.
        [[ $rest == "$word"* ]] || word=$rest
        rest=${rest#"$word"}
        if [[ ${#line[@]} -gt 0 && -z $blank ]]; then
            line[${#line[@]}-1]+=$word
        else
            line+=("$word")
        fi
    done

    local command= option= position=0 kind words
    local current=${line[${#line[@]}-1]} before_value='@BEFORE_VALUE@'
    for word in "${line[@]:1:${#line[@]}-2}"; do
        if [[ $option ]]; then
            option=
        elif [[ $word =~ $before_value ]]; then
            option=$word
        elif [[ $word == -* ]]; then
            :
        elif [[ -z $command && " @COMMANDS@ " == *" $word "* ]]; then
            command=$word
        else
            position=$((position + 1))
        fi
    done

    COMPREPLY=()
    local typed=$current prefix=
    if [[ $option == --* ]]; then
        __trendfetch_values "$command" "$option"
    elif [[ $option ]]; then
        __trendfetch_values "$command" "-${option:${#option}-1}"
    elif [[ $current == --*=* ]]; then
        __trendfetch_values "$command" "${current%%=*}"
        typed=${current#*=}
        [[ $COMP_WORDBREAKS == *=* ]] || prefix=${current%%=*}=
    elif [[ $current == -[!-]?* && ${current:0:2} =~ $before_value ]]; then
        __trendfetch_values "$command" "${current:0:2}"
        typed=${current:2} prefix=${current:0:2}
    elif [[ $current == -* ]]; then
        kind=words words=($(__trendfetch_options "$command"))
    else
        __trendfetch_values "$command" "$position"
        [[ $kind || $current ]] || kind=words words=($(__trendfetch_options "$command"))
    fi
    case $kind in
        files) __trendfetch_paths "$prefix" "$typed" default file ;;
        folders) __trendfetch_paths "$prefix" "$typed" dirnames directory ;;
        words | list) __trendfetch_reply "$prefix" "$typed" ;;
    esac
}

complete -F _trendfetch trendfetch
