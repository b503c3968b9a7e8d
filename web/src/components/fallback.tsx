import { Component, type ReactNode } from 'react'

interface FallbackProps {
  /** Stands there where what is within could not be loaded or shown. */
  instead: ReactNode
  children: ReactNode
}

/** Keeps the failure of a part from taking the page with it. */
export class Fallback extends Component<FallbackProps, { failed: boolean }> {
  override state = { failed: false }

  static getDerivedStateFromError() {
    return { failed: true }
  }

  override render() {
    return this.state.failed ? this.props.instead : this.props.children
  }
}
