(function () {
  var mode = 'system'
  try {
    mode = localStorage.getItem('shop-insight.theme') || 'system'
  } catch (error) {
    // Storage can be forbidden; the system's theme it is then.
  }
  if (mode !== 'light' && mode !== 'dark') {
    mode = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
  }
  document.documentElement.setAttribute('data-color-scheme', mode)
})()
