# Completions of trendfetch for fish, from `trendfetch completions fish`.

# Whether the line is that of a command (`run` if there is none), and the next word is at a position. Positions count
# the words that are neither options nor their values.
function __trendfetch_at --argument-names wanted wanted_position
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l command run
    set -l position 0
    set -l is_value no
    for word in $words[2..]
        if test $is_value = yes
            set is_value no
        else if string match --quiet --regex -- '@BEFORE_VALUE@' $word
            set is_value yes
        else if string match --quiet -- '-*' $word
            continue
        else if test $command = run; and contains -- $word @COMMANDS@
            set command $word
        else
            set position (math $position + 1)
        end
    end
    test $command = $wanted; or return
    test -z "$wanted_position"; and return
    test $is_value = no; and test $wanted_position = any -o $wanted_position = $position
end

# Offers words, with their descriptions after a tab, for what follows the last comma.
function __trendfetch_list
    set -l typed (commandline --current-token --cut-at-cursor | string replace --all --regex '[\\\\\'"]' '')
    set -l start (string replace --filter --regex -- '^(?:--[^=]*=)?(.*,)[^,]*$' '$1' $typed)
    printf "%s\n" "$start"$argv
end

complete -c trendfetch -f
