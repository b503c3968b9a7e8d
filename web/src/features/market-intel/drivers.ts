import type { Drivers, SegmentEffect } from '@/features/market-intel/api/drivers'
import { type Step, steps } from '@/features/market-intel/charts/waterfall-option'
import { formatChange, formatFigure } from '@/features/market-intel/words'
import { formatDay } from '@/lib/format'

/** A period in words. */
export const span = (from: string, to: string): string => (from === to ? formatDay(from) : `${formatDay(from)} – ${formatDay(to)}`)

/** The waterfall of an answer. */
export function waterfallOf(answer: Drivers): Step[] {
  return steps({ title: 'Before', value: answer.total_before ?? 0 }, effectsOf(answer), { title: 'After', value: answer.total_after ?? 0 })
}

function effectsOf({ effects = [] }: Drivers) {
  return effects.map(({ title, driver, contribution }) => ({ title: title || driver, contribution: contribution ?? 0 }))
}

/** The waterfall in words; the last line is the sum, so that a reader sees it add up. */
export function waterfallNumbers(answer: Drivers, unit: string) {
  const rows = [
    ['Before', formatFigure(answer.total_before, unit)],
    ...effectsOf(answer).map(({ title, contribution }) => [title, formatChange(contribution, unit)]),
    ['After', formatFigure(answer.total_after, unit)],
  ]
  return { header: ['Driver', 'Part of the change'], rows }
}

/** The dimensions that segments are told by, in the order of the answer. */
export const dimensionsOf = ({ segments = [] }: Drivers): string[] => [...new Set(segments.map(({ dimension }) => dimension))]

/** The segments of a dimension, those that explain most first. */
export function segmentsOf({ segments = [] }: Drivers, dimension: string): SegmentEffect[] {
  return segments.filter((one) => one.dimension === dimension).sort((one, other) => Math.abs(other.contribution ?? 0) - Math.abs(one.contribution ?? 0))
}

/** What the segments come to together, in cents so that no rounding hides a difference. */
export function sumOf(segments: readonly SegmentEffect[]): number {
  return segments.reduce((sum, { contribution }) => sum + Math.round((contribution ?? 0) * 100), 0) / 100
}

export const SEGMENT_HEADER = ['dimension', 'segment', 'before', 'after', 'contribution', 'change_pct', 'volume', 'mix', 'price', 'fees_and_taxes'] as const

/** Every effect and every segment as they are exported. */
export function driverRows(answer: Drivers): (string | number)[][] {
  const effects = (answer.effects ?? []).map(({ driver, contribution, contribution_pct }) => ['driver', driver, '', '', contribution ?? 0, contribution_pct ?? '', '', '', '', ''])
  const segments = (answer.segments ?? []).map((row) => SEGMENT_HEADER.map((name) => row[name] ?? ''))
  return [...effects, ...segments]
}
