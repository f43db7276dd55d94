# Completion of popgate for fish. It asks popgate itself what may come next.

function __popgate_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    for line in ($before[1] complete $before[2..-1] "$current" 2>/dev/null)
        if test "$line" = :files
            set -l prefix (string match -r -- '^-.*?=' $current)
            for file in (__fish_complete_path (string replace -r -- '^-.*?=' '' $current))
                echo -- "$prefix$file"
            end
        else
            echo -- $line
        end
    end
end

complete -c popgate -f -a '(__popgate_complete)'
