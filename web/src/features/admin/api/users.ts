import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { components, paths } from '@/api/schema'
import { answer } from '@/lib/api'
import { usePlatform } from '@/lib/context'

export type ManagedUser = components['schemas']['auth.v1.ManagedUser']
type UsersQuery = NonNullable<paths['/api/v1/auth/users']['get']['parameters']['query']>
export type Role = NonNullable<UsersQuery['role']>
type Body<Call> = Call extends { requestBody?: { content: { 'application/json': infer Sent } } } ? Sent : never
export type UserChange = Body<paths['/api/v1/auth/users/{id}']['patch']>
export type Invitation = components['schemas']['auth.v1.CreateUserRequest']

/** Which users are asked for. */
export interface Wanted {
  search: string
  role: Role | ''
  disabled: boolean | undefined
}

export const PAGE_SIZE = 25
const MOST = 1000

/** A page of the accounts by e-mail address. */
export function useUsers(wanted: Wanted, token: string) {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['users', wanted, token],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/auth/users', { params: { query: asQuery(wanted, token) }, signal })),
  })
}

function asQuery({ search, role, disabled }: Wanted, token: string): UsersQuery {
  return {
    page_size: PAGE_SIZE,
    ...(token && { page_token: token }),
    ...(search && { search }),
    ...(role && { role }),
    ...(disabled !== undefined && { disabled }),
  }
}

/** The first thousand accounts by their ids, to say names where the server tells ids. */
export function useUsersById() {
  const { api } = usePlatform()
  return useQuery({
    queryKey: ['users', 'by id'],
    queryFn: ({ signal }) => answer(api.GET('/api/v1/auth/users', { params: { query: { page_size: MOST } }, signal })),
    select: (found) => new Map(found.items.map((user) => [user.id, user])),
  })
}

/** Makes an account and mails its owner a link to choose the password. */
export function useInvite() {
  const { api } = usePlatform()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (body: Invitation) => answer(api.POST('/api/v1/auth/users', { body })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['users'] }),
  })
}

/** Changes an account. */
export function useChangeUser() {
  const { api } = usePlatform()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ id, change }: { id: string; change: UserChange }) =>
      answer(api.PATCH('/api/v1/auth/users/{id}', { params: { path: { id } }, body: change })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['users'] }),
  })
}

/** Ends every session of an account. */
export function useEndSessions() {
  const { api } = usePlatform()
  return useMutation({
    mutationFn: (id: string) => answer(api.DELETE('/api/v1/auth/users/{id}/sessions', { params: { path: { id } } })),
  })
}

/** Turns off the second factor of somebody who has lost it; their sessions end too. */
export function useResetMfa() {
  const { api } = usePlatform()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (id: string) => answer(api.DELETE('/api/v1/auth/users/{id}/mfa', { params: { path: { id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['users'] }),
  })
}

/** Erases an account. */
export function useEraseUser() {
  const { api } = usePlatform()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (id: string) => answer(api.DELETE('/api/v1/auth/users/{id}', { params: { path: { id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['users'] }),
  })
}
