export async function createReport(_parts: unknown): Promise<{ fileName: string; text: string }> { return { fileName: 'report.md', text: '' }; }
