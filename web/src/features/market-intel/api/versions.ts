import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { components } from '@/api/schema'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

type Schemas = components['schemas']
export type Version = Schemas['market_intel.v1.RegisteredModel']
export type Move = Schemas['market_intel.v1.ModelMove']

const KEY = ['market-intel', 'versions']

/** The registered versions, by model and newest first. */
export function useVersions() {
  const { api } = usePlatform()
  return useQuery({ queryKey: [...KEY, 'all'], queryFn: async ({ signal }) => (await answer(api.GET('/api/v1/market-intelligence/models', { signal }))).items ?? [] })
}

/** What was live when, newest first. */
export function useMoves() {
  const { api } = usePlatform()
  return useQuery({ queryKey: [...KEY, 'moves'], queryFn: async ({ signal }) => (await answer(api.GET('/api/v1/market-intelligence/models/moves', { signal }))).items ?? [] })
}

/** Which version is to answer from now on. */
export type Deed = { kind: 'promote'; model: string; version: string } | { kind: 'rollback'; model: string }

/** Makes a version the champion, or puts the one before back; answers the version that is champion now. */
export function useDeed() {
  const { api } = usePlatform()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: async ({ deed, because }: { deed: Deed; because: string }): Promise<Version | null> => {
      const body = { model: deed.model, because }
      const made =
        deed.kind === 'promote'
          ? await answer(api.POST('/api/v1/market-intelligence/models/{version}/promote', { params: { path: { version: deed.version } }, body }))
          : await answer(api.POST('/api/v1/market-intelligence/models/rollback', { body }))
      return made.model ?? null
    },
    onSettled: () => queries.invalidateQueries({ queryKey: KEY }),
  })
}
