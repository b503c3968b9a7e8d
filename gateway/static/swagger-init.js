window.ui = SwaggerUIBundle({
  url: '/api/v1/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
  oauth2RedirectUrl: window.location.origin + '/api/v1/docs/oauth2-redirect.html',
})
window.ui.initOAuth({ clientId: 'swagger', usePkceWithAuthorizationCodeGrant: true })
