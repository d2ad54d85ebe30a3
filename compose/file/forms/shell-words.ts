/**
 * Splits a command line as Compose does (https://github.com/mattn/go-shellwords): quotes and backslashes count,
 * and the first shell operator outside quotes ends the command.
 */
export function shellWords(line: string): { words: string[]; cutAt: string | undefined } | undefined {
  const words: string[] = []
  let word: string | undefined
  let quote: "'" | '"' | '`' | '$(' | undefined
  let escaped = false
  for (const char of line) {
    if (escaped) {
      word = (word ?? '') + char
      escaped = false
    } else if (char === '\\' && quote !== "'") {
      escaped = true
    } else if (quote !== undefined) {
      const closes = char === (quote === '$(' ? ')' : quote)
      // Command substitution is not carried out: its text stays, marks included.
      if (!closes || quote === '`' || quote === '$(') word = (word ?? '') + char
      if (closes) quote = undefined
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (char === "'" || char === '"') {
      quote = char
      word ??= ''
    } else if (char === '`') {
      quote = char
      word = (word ?? '') + char
    } else if (char === '(' || char === ')') {
      if (char === ')' || !word?.endsWith('$')) return undefined
      quote = '$('
      word += char
    } else if (';&|<>'.includes(char)) {
      if (char === '>' && /^\d/.test(word ?? '')) word = undefined
      if (word !== undefined) words.push(word)
      return { words, cutAt: char }
    } else {
      word = (word ?? '') + char
    }
  }
  if (escaped || quote !== undefined) return undefined
  if (word !== undefined) words.push(word)
  return { words, cutAt: undefined }
}
