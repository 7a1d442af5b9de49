/** The completions of bash. */
import { type CompletedCommand, firstWords, groups, secondWord } from "./completed-command.js";

/** A script that bash evaluates. Names of files are left to bash itself (`-o default`). */
export function bashScript(commands: readonly CompletedCommand[]): string {
  const inGroups = groups(commands);
  return `# Completions of tessera for bash. In ~/.bashrc: eval "$(tessera completion bash)"
_tessera() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} name=\${COMP_WORDS[1]}
  local options= takes_file= takes_value= words=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quoted(firstWords(commands).join(" "))} -- "$cur"))
    return
  fi
  case $name in
${inGroups.map(([group, rows]) => groupCase(group, rows)).join("\n")}
  esac
  case $name in
${commands.map(commandCase).join("\n")}
  esac
  case " $takes_file " in *" $prev "*) return ;; esac
  case " $takes_value " in *" $prev "*) compopt +o default 2>/dev/null; return ;; esac
  case $cur in
    -*) COMPREPLY=($(compgen -W "$options" -- "$cur")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
  esac
}
complete -o default -F _tessera tessera`;
}

function groupCase(group: string, rows: readonly CompletedCommand[]): string {
  return `    ${group})
      case $COMP_CWORD$cur in
        2-*) ;;
        2*) COMPREPLY=($(compgen -W ${quoted(rows.map(secondWord).join(" "))} -- "$cur")); return ;;
        *) case \${COMP_WORDS[2]} in -*) ;; *) name="$name \${COMP_WORDS[2]}" ;; esac ;;
      esac ;;`;
}

function commandCase({ name, aliases, options, words }: CompletedCommand): string {
  const typed = (wanted: typeof options) =>
    quoted(wanted.flatMap(({ long, short }) => [`--${long}`, ...(short ? [`-${short}`] : [])]).join(" "));
  const withValue = options.filter(({ value }) => value !== undefined);
  return `    ${[name, ...aliases].map(quoted).join("|")})
      options=${typed(options)}
      takes_file=${typed(withValue.filter(({ isFile }) => isFile))}
      takes_value=${typed(withValue.filter(({ isFile }) => !isFile))}
      words=${quoted(words.join(" "))} ;;`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
