import { createBrowserRouter, type RouteObject } from 'react-router'
import { Broken } from '@/app/broken'
import { Guest, Member } from '@/app/guards'
import { NotFound } from '@/app/not-found'
import { Shell } from '@/app/shell'
import { FullPageSpinner } from '@/components/full-page-spinner'

export const routes: RouteObject[] = [
  {
    errorElement: <Broken />,
    HydrateFallback: FullPageSpinner,
    children: [
      {
        element: <Guest />,
        children: [
          {
            path: '/login',
            lazy: async () => ({ Component: (await import('@/features/auth/components/login-page')).LoginPage }),
          },
          {
            path: '/register',
            lazy: async () => ({ Component: (await import('@/features/auth/components/register-page')).RegisterPage }),
          },
        ],
      },
      // Links from mails work whoever is logged in.
      {
        path: '/forgot-password',
        lazy: async () => ({
          Component: (await import('@/features/auth/components/forgot-password-page')).ForgotPasswordPage,
        }),
      },
      {
        path: '/resend-verification',
        lazy: async () => ({
          Component: (await import('@/features/auth/components/resend-verification-page')).ResendVerificationPage,
        }),
      },
      {
        path: '/reset-password',
        lazy: async () => ({
          Component: (await import('@/features/auth/components/reset-password-page')).ResetPasswordPage,
        }),
      },
      {
        path: '/verify-email',
        lazy: async () => ({ Component: (await import('@/features/auth/components/verify-email-page')).VerifyEmailPage }),
      },
      {
        element: <Member />,
        children: [
          {
            path: '/authorize',
            lazy: async () => ({
              Component: (await import('@/features/auth/components/authorize-page')).AuthorizePage,
            }),
          },
          {
            element: <Shell />,
            children: [
              {
                path: '/',
                lazy: async () => ({ Component: (await import('@/features/home/components/home-page')).HomePage }),
              },
              {
                path: '/demand/segments',
                lazy: async () => ({
                  Component: (await import('@/features/segments/components/segments-page')).SegmentsPage,
                }),
              },
              {
                path: '/market-intelligence',
                lazy: async () => ({
                  Component: (await import('@/features/market-intel/components/market-frame')).MarketFrame,
                }),
                children: [
                  {
                    index: true,
                    lazy: async () => ({
                      Component: (await import('@/features/market-intel/components/overview-page')).OverviewPage,
                    }),
                  },
                  {
                    path: 'forecasts',
                    lazy: async () => ({
                      Component: (await import('@/features/market-intel/components/forecasts-page')).ForecastsPage,
                    }),
                  },
                  {
                    path: 'ask',
                    lazy: async () => ({
                      Component: (await import('@/features/market-intel/components/ask-page')).AskPage,
                    }),
                  },
                  {
                    path: 'models',
                    lazy: async () => ({
                      Component: (await import('@/features/market-intel/components/league-page')).LeaguePage,
                    }),
                  },
                  {
                    path: 'versions',
                    lazy: async () => ({
                      Component: (await import('@/features/market-intel/components/versions-page')).VersionsPage,
                    }),
                  },
                  {
                    path: 'correlations',
                    lazy: async () => ({
                      Component: (await import('@/features/market-intel/components/correlations-page')).CorrelationsPage,
                    }),
                  },
                  {
                    path: 'drivers',
                    lazy: async () => ({
                      Component: (await import('@/features/market-intel/components/drivers-page')).DriversPage,
                    }),
                  },
                  {
                    path: 'revenue',
                    lazy: async () => ({
                      Component: (await import('@/features/market-intel/components/revenue-page')).RevenuePage,
                    }),
                  },
                  {
                    path: 'prices',
                    lazy: async () => ({
                      Component: (await import('@/features/market-intel/components/prices-page')).PricesPage,
                    }),
                  },
                  {
                    path: 'products',
                    lazy: async () => ({
                      Component: (await import('@/features/market-intel/components/products-page')).ProductsPage,
                    }),
                  },
                ],
              },
              {
                path: '/account',
                lazy: async () => ({
                  Component: (await import('@/features/account/components/account-frame')).AccountFrame,
                }),
                children: [
                  {
                    index: true,
                    lazy: async () => ({
                      Component: (await import('@/features/account/components/profile-page')).ProfilePage,
                    }),
                  },
                  {
                    path: 'security',
                    lazy: async () => ({
                      Component: (await import('@/features/account/components/security-page')).SecurityPage,
                    }),
                  },
                  {
                    path: 'sessions',
                    lazy: async () => ({
                      Component: (await import('@/features/account/components/sessions-page')).SessionsPage,
                    }),
                  },
                  {
                    path: 'api-keys',
                    lazy: async () => ({
                      Component: (await import('@/features/account/components/api-keys-page')).ApiKeysPage,
                    }),
                  },
                ],
              },
              {
                path: '/pipeline',
                lazy: async () => ({
                  Component: (await import('@/features/pipeline/components/pipeline-page')).PipelinePage,
                }),
              },
              {
                path: '/alerts',
                lazy: async () => ({ Component: (await import('@/features/alerts/components/alerts-page')).AlertsPage }),
              },
              {
                path: '/operations',
                lazy: async () => ({
                  Component: (await import('@/features/operations/components/operations-page')).OperationsPage,
                }),
              },
              {
                path: '/admin/users',
                lazy: async () => ({ Component: (await import('@/features/admin/components/users-page')).UsersPage }),
              },
              {
                path: '/admin/systems',
                lazy: async () => ({ Component: (await import('@/features/systems/components/systems-page')).SystemsPage }),
              },
              {
                path: '/admin/audit-log',
                lazy: async () => ({ Component: (await import('@/features/admin/components/audit-page')).AuditPage }),
              },
            ],
          },
        ],
      },
      { path: '*', element: <NotFound /> },
    ],
  },
]

/** The pages; each but the frame is a chunk of its own. */
export const createRouter = () => createBrowserRouter(routes)
