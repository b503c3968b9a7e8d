import { formatFigure } from '@/features/market-intel/words'
import { formatCount, formatDay } from '@/lib/format'

/** Models as they are called within a sentence. */
const MODELS: Record<string, string> = {
  seasonal_naive: 'seasonal naive',
  moving_average: 'moving average',
  arima: 'ARIMA',
  ets: 'ETS',
  theta: 'Theta',
  prophet: 'Prophet',
  lstm: 'LSTM',
  gbm: 'gradient boosting',
}

const MODEL = new RegExp(`\\b(${Object.keys(MODELS).join('|')})\\b`, 'g')
const QUOTED = /`([^`]*)`/g
const DAY = /\b\d{4}-\d{2}-\d{2}\b/g
const AMOUNT = /([+-]?)(\d[\d,]*(?:\.\d+)?) (USD|EUR|GBP|CHF|CAD|AUD)\b/g
const LARGE = /(?<![\d.,-])\d{5,}(?![\d.-])/g

/** A sentence of the services as people write it: names, days, amounts and counts in words, a capital and a full stop. */
export function sentence(text: string): string {
  const words = text
    .trim()
    .replace(QUOTED, '“$1”')
    .replace(MODEL, (name) => MODELS[name] ?? name)
    .replace(DAY, (day) => (Number.isNaN(Date.parse(day)) ? day : formatDay(day)))
    .replace(AMOUNT, (_, sign: string, amount: string, code: string) => `${sign}${formatFigure(Number(amount.replaceAll(',', '')), code)}`)
    .replace(LARGE, (count) => formatCount(Number(count)))
  if (words === '') return ''
  const begun = words.charAt(0).toUpperCase() + words.slice(1)
  return /[.!?]$/.test(begun) ? begun : `${begun}.`
}
