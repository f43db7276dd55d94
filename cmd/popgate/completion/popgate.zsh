#compdef popgate
# Completion of popgate for zsh. It asks popgate itself what may come next.

_popgate() {
	local -a texts shown
	local text about files=''
	while IFS=$'\t' read -r text about; do
		if [[ $text == :files ]]; then
			files=1
		else
			texts+=("$text")
			shown+=("$text${about:+  -- $about}")
		fi
	done < <("${(Q)words[1]}" complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
	if [[ -n $files ]]; then
		[[ $PREFIX == -*=* ]] && compset -P '*='
		_files
		return
	fi
	((${#texts})) && compadd -l -d shown -- "${texts[@]}"
}

if [[ $funcstack[1] == _popgate ]]; then
	_popgate "$@"
else
	compdef _popgate popgate
fi
