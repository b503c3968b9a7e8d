/** The name of a file that says what is in it, without its ending: its parts in plain letters, those that are empty left out. */
export function fileNameOf(...parts: (string | undefined)[]): string {
  const plain = (part: string) =>
    part
      .normalize('NFKD')
      .replace(/\p{Mark}/gu, '')
      .replace(/[^A-Za-z0-9._]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .toLowerCase()
  return parts.map((part) => plain(part ?? '')).filter(Boolean).join('-')
}
