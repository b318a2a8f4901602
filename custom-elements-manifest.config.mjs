// Describes the widget for editors and catalogues: attributes, events, slots, parts and custom properties.
export default {
  globs: ['src/widget/hither-widget.ts'],
  outdir: 'dist',
  litelement: true,
  packagejson: false,
  plugins: [
    {
      // What has no description is no part of its face: inner state, and an event whose name is only known at run time.
      name: 'described-only',
      packageLinkPhase({ customElementsManifest }) {
        for (const { declarations } of customElementsManifest.modules) {
          for (const element of declarations.filter(({ customElement }) => customElement)) {
            const isDescribed = ({ description }) => description !== undefined
            element.attributes = element.attributes?.filter(isDescribed)
            element.events = element.events?.filter(isDescribed)
            element.members = element.members?.filter(isDescribed)
          }
        }
      },
    },
  ],
}
