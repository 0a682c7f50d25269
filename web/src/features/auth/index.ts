export { type AuthMode, AuthPage } from './auth-page';
export { ConfirmPage } from './confirm-page';
export { ForgotPage } from './forgot-page';
export { ResetPage } from './reset-page';
