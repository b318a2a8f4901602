import './ops-page.ts'
