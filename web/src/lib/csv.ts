import { save } from '@/lib/save-file'

/** CSV as RFC 4180 has it. What a spreadsheet would take for a formula is led by an apostrophe, and stays text. */
export function csvOf(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [header, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

/** Saves rows as a CSV file. */
export function saveCsv(name: string, header: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  save(new Blob([csvOf(header, rows)], { type: 'text/csv;charset=utf-8' }), name)
}

function cell(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
