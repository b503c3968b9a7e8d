import { useSearchParams } from 'react-router'

/** What a view shows, kept in the URL so that it can be shared and gone back to. What others keep there stays. */
export function useView<View extends Record<string, string>>(defaults: View): [View, (change: Partial<View>) => void] {
  const [parameters, setParameters] = useSearchParams()
  // At once: what is chosen next must not be put upon the view of before.
  const change = (part: Partial<View>) => setParameters(changed(parameters, part, defaults), { flushSync: true, preventScrollReset: true })
  return [viewOf(parameters, defaults), change]
}

export function viewOf<View extends Record<string, string>>(parameters: URLSearchParams, defaults: View): View {
  const entries = Object.entries(defaults).map(([name, value]) => [name, parameters.get(name) ?? value])
  return Object.fromEntries(entries) as View
}

/** The parameters after a change; a default stays out of the URL. */
export function changed<View extends Record<string, string>>(parameters: URLSearchParams, part: Partial<View>, defaults: View): URLSearchParams {
  const next = new URLSearchParams(parameters)
  for (const [name, value] of Object.entries(part)) {
    if (value === undefined || value === defaults[name]) next.delete(name)
    else next.set(name, value)
  }
  return next
}
