/** One observation, as the forecast takes it. */
export interface SeriesPoint {
  ds: string
  /** Absent: not known. */
  y?: number
  series_id?: string
}

export type Parsed = { points: SeriesPoint[]; series: number; problem?: undefined } | { points: []; series: 0; problem: string }

export const MOST_POINTS = 1_000_000
const DAY = /^\d{4}-\d{2}-\d{2}([T ].*)?$/
const UNKNOWN = new Set(['', 'na', 'nan', 'null'])

/** The observations in CSV text with the columns ds, y and, where there are several series, series_id; or what is wrong with it. */
export function parseSeries(text: string): Parsed {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
  const [head, ...rest] = lines
  const separator = [';', '\t'].find((one) => head?.includes(one)) ?? ','
  const header = cells(head ?? '', separator).map((name) => name.toLowerCase())
  const [ds, y, id] = ['ds', 'y', 'series_id'].map((name) => header.indexOf(name)) as [number, number, number]
  if (ds < 0 || y < 0) return wrong('The first line must name the columns: ds,y or ds,y,series_id.')
  const points: SeriesPoint[] = []
  const series = new Set<string>()
  for (const [index, line] of rest.entries()) {
    if (line.trim() === '') continue
    if (points.length === MOST_POINTS) return wrong(`There are more than ${MOST_POINTS.toLocaleString('en-US')} lines; that is the most.`)
    const row = cells(line, separator)
    const day = row[ds] ?? ''
    const number = row[y] ?? ''
    const at = `Line ${index + 2}`
    if (!DAY.test(day)) return wrong(`${at}: “${day.slice(0, 40)}” is no day. Write it as YYYY-MM-DD.`)
    const value = UNKNOWN.has(number.toLowerCase()) ? null : Number(number)
    if (value !== null && !Number.isFinite(value)) return wrong(`${at}: “${number.slice(0, 40)}” is no number. Write it as 1234.5, or leave it empty where it is not known.`)
    const name = id < 0 ? '' : (row[id] ?? '')
    series.add(name)
    points.push({ ds: day, ...(value !== null && { y: value }), ...(name && { series_id: name }) })
  }
  return points.length === 0 ? wrong('There are no observations below the first line.') : { points, series: series.size }
}

function wrong(problem: string): Parsed {
  return { points: [], series: 0, problem }
}

/** The cells of a line; those in quotes may hold the separator, and a quote written twice. */
function cells(line: string, separator: string): string[] {
  if (!line.includes('"')) return line.split(separator).map((cell) => cell.trim())
  const found: string[] = []
  let [cell, quoted] = ['', false]
  for (let at = 0; at < line.length; at += 1) {
    const letter = line.charAt(at)
    if (letter === '"' && quoted && line.charAt(at + 1) === '"') {
      cell += letter
      at += 1
    } else if (letter === '"') quoted = !quoted
    else if (letter === separator && !quoted) {
      found.push(cell.trim())
      cell = ''
    } else cell += letter
  }
  return [...found, cell.trim()]
}
