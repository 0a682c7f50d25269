export { type AuthMode, AuthPage } from './auth-page';
export { ConfirmPage } from './confirm-page';
export { ForgotPage } from './forgot-page';
export { ProviderButtons } from './provider-buttons';
export { ProviderFailedPage } from './provider-failed-page';
export { ResetPage } from './reset-page';
