# Completion of popgate for bash. It asks popgate itself what may come next.

_popgate() {
	# readline cuts words at = and :, which popgate doesn't.
	local rest=${COMP_LINE:0:COMP_POINT} word n=-1 i
	local -a words=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if ((n < 0)) || [[ $rest == [[:space:]]* ]]; then
			words[++n]=$word
		else
			words[n]+=$word
		fi
		rest=${rest#"${rest%%[![:space:]]*}"}
		((i < COMP_CWORD)) || word=$rest
		rest=${rest#"$word"}
	done
	# What readline replaces is what stands behind the last of these.
	local current=${words[n]} skip=''
	case $current in
	*[:=]*) skip=${current%"${current##*[:=]}"} ;;
	esac

	local text
	COMPREPLY=()
	while IFS=$'\t' read -r text _; do
		if [[ $text == :files ]]; then
			compopt -o filenames 2>/dev/null
			while IFS= read -r text; do COMPREPLY+=("$text"); done < <(compgen -f -- "${current#"$skip"}")
		else
			COMPREPLY+=("${text#"$skip"}")
		fi
	done < <("${words[0]}" complete "${words[@]:1}" 2>/dev/null)
}
complete -F _popgate popgate
