/** What a system message in the middle of a conversation is told as: agents mark so what is not the user's own. */
export function asReminder(text: string): string {
  return `<system-reminder>\n${text}\n</system-reminder>`;
}
