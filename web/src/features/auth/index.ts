export { AuthFrame } from './auth-frame';
export { type AuthMode, AuthPage } from './auth-page';
export { ConfirmPage } from './confirm-page';
export { FinishSignInPage } from './finish-sign-in-page';
export { ForgotPage } from './forgot-page';
export { ProviderButtons } from './provider-buttons';
export { ProviderFailedPage } from './provider-failed-page';
export { ResetPage } from './reset-page';
export { bringsHalfSignIn } from './use-half-sign-in';
