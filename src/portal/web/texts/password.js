// SPDX-License-Identifier: Apache-2.0
// One's own password. i18n.js says what a row is.
export const PASSWORD_TEXTS = {
  pw_title: ["Your password", "Sua senha", "Su contraseña", "Ваш пароль"],
  pw_current: ["Present password", "Senha atual", "Contraseña actual", "Нынешний пароль"],
  pw_new: ["New password", "Nova senha", "Nueva contraseña", "Новый пароль"],
  pw_again: ["The same again", "Repita a nova senha", "Repita la nueva contraseña", "Новый пароль ещё раз"],
  pw_rule: ["At least 8 characters. Afterwards you sign in again, in every browser.", "Pelo menos 8 caracteres. Depois você entra novamente, em todos os navegadores.", "Al menos 8 caracteres. Después vuelve a iniciar sesión, en todos los navegadores.", "Не менее 8 символов. После этого потребуется снова войти во всех браузерах."],
  pw_differ: ["The two new passwords differ.", "As duas novas senhas são diferentes.", "Las dos contraseñas nuevas son distintas.", "Новые пароли не совпадают."],
  pw_wrong: ["The present password is another one.", "A senha atual é outra.", "La contraseña actual es otra.", "Нынешний пароль другой."],
};
